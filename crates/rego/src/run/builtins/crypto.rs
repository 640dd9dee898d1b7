//! Hashes and message authentication codes, as hexadecimal texts. Errors never contain a key or a message.

use aws_lc_rs::{constant_time, digest, hmac};
use data_encoding::HEXLOWER;
use md5::{Digest, Md5};
use regorus::Value;

use super::{Builtin, string, text};

pub(super) const ALL: [Builtin; 8] = [
    Builtin {
        name: "crypto.md5",
        arity: 1,
        call: |arguments| {
            let text = text(arguments, 0)?;
            Ok(string(&HEXLOWER.encode(&Md5::digest(text))))
        },
    },
    Builtin {
        name: "crypto.sha1",
        arity: 1,
        call: |arguments| hashed(&digest::SHA1_FOR_LEGACY_USE_ONLY, arguments),
    },
    Builtin {
        name: "crypto.sha256",
        arity: 1,
        call: |arguments| hashed(&digest::SHA256, arguments),
    },
    Builtin {
        name: "crypto.hmac.md5",
        arity: 2,
        call: |arguments| {
            let (message, key) = (text(arguments, 0)?, text(arguments, 1)?);
            Ok(string(&HEXLOWER.encode(&hmac_md5(key, message))))
        },
    },
    Builtin {
        name: "crypto.hmac.sha1",
        arity: 2,
        call: |arguments| signed(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, arguments),
    },
    Builtin {
        name: "crypto.hmac.sha256",
        arity: 2,
        call: |arguments| signed(hmac::HMAC_SHA256, arguments),
    },
    Builtin {
        name: "crypto.hmac.sha512",
        arity: 2,
        call: |arguments| signed(hmac::HMAC_SHA512, arguments),
    },
    Builtin {
        name: "crypto.hmac.equal",
        arity: 2,
        call: |arguments| {
            let (one, other) = (text(arguments, 0)?, text(arguments, 1)?);
            let same = constant_time::verify_slices_are_equal(one.as_bytes(), other.as_bytes());
            Ok(Value::Bool(same.is_ok()))
        },
    },
];

fn hashed(algorithm: &'static digest::Algorithm, arguments: &[Value]) -> Result<Value, String> {
    let hash = digest::digest(algorithm, text(arguments, 0)?.as_bytes());
    Ok(string(&HEXLOWER.encode(hash.as_ref())))
}

fn signed(algorithm: hmac::Algorithm, arguments: &[Value]) -> Result<Value, String> {
    let (message, key) = (text(arguments, 0)?, text(arguments, 1)?);
    let key = hmac::Key::new(algorithm, key.as_bytes());
    let tag = hmac::sign(&key, message.as_bytes());
    Ok(string(&HEXLOWER.encode(tag.as_ref())))
}

/// HMAC with MD5 (RFC 2104).
fn hmac_md5(key: &str, message: &str) -> [u8; 16] {
    const BLOCK: usize = 64;
    let hash = Md5::digest(key);
    let key = if key.len() > BLOCK {
        hash.as_slice()
    } else {
        key.as_bytes()
    };
    let padded = |pad: u8| {
        let mut block = [pad; BLOCK];
        for (byte, of_key) in block.iter_mut().zip(key) {
            *byte ^= of_key;
        }
        block
    };
    let inner = Md5::new()
        .chain_update(padded(0x36))
        .chain_update(message)
        .finalize();
    Md5::new()
        .chain_update(padded(0x5c))
        .chain_update(inner)
        .finalize()
        .into()
}
