//! The small part of DER (X.690) that finds the key in a certificate and writes a private key.

const INTEGER: u8 = 0x02;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

/// Kinds of public keys. The object identifier of the algorithm tells the kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Rsa,
    Ec,
    Ed,
    Other,
}

/// An element: its tag, its content, the whole element, and the bytes after it.
struct Element<'a> {
    tag: u8,
    content: &'a [u8],
    whole: &'a [u8],
    rest: &'a [u8],
}

fn element(input: &[u8]) -> Option<Element<'_>> {
    let (&tag, after) = input.split_first()?;
    let (&first, after) = after.split_first()?;
    let (length, after) = if first < 0x80 {
        (usize::from(first), after)
    } else {
        let count = usize::from(first & 0x7f);
        if !(1..=4).contains(&count) {
            return None;
        }
        let (bytes, after) = after.split_at_checked(count)?;
        let length = bytes
            .iter()
            .fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
        (length, after)
    };
    let (content, rest) = after.split_at_checked(length)?;
    Some(Element {
        tag,
        content,
        whole: input.get(..input.len() - rest.len())?,
        rest,
    })
}

fn expect(input: &[u8], tag: u8) -> Option<Element<'_>> {
    element(input).filter(|element| element.tag == tag)
}

/// The `SubjectPublicKeyInfo` of a certificate (RFC 5280, section 4.1).
pub(super) fn key_of_certificate(certificate: &[u8]) -> Option<&[u8]> {
    let outer = expect(certificate, SEQUENCE).filter(|outer| outer.rest.is_empty())?;
    let mut rest = expect(outer.content, SEQUENCE)?.content;
    if let Some(version) = expect(rest, VERSION) {
        rest = version.rest;
    }
    // Skip the serial number, then signature, issuer, validity and subject.
    rest = expect(rest, INTEGER)?.rest;
    for _ in 0..4 {
        rest = expect(rest, SEQUENCE)?.rest;
    }
    expect(rest, SEQUENCE).map(|key| key.whole)
}

/// The kind of the key in a `SubjectPublicKeyInfo`.
pub(super) fn kind_of_key(info: &[u8]) -> Option<Kind> {
    let outer = expect(info, SEQUENCE).filter(|outer| outer.rest.is_empty())?;
    let algorithm = expect(outer.content, SEQUENCE)?;
    let identifier = expect(algorithm.content, OBJECT_IDENTIFIER)?;
    Some(match identifier.content {
        // rsaEncryption, 1.2.840.113549.1.1.1
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1] => Kind::Rsa,
        // id-ecPublicKey, 1.2.840.10045.2.1
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1] => Kind::Ec,
        // id-Ed25519, 1.3.101.112
        [0x2b, 0x65, 0x70] => Kind::Ed,
        _ => Kind::Other,
    })
}

/// A sequence of integers that are not negative.
pub(super) fn numbers(numbers: &[&[u8]]) -> Vec<u8> {
    let mut content = Vec::new();
    for number in numbers {
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        let mut digits = number.get(zeros..).unwrap_or_default().to_vec();
        if digits.first().is_none_or(|byte| *byte >= 0x80) {
            digits.insert(0, 0);
        }
        write(INTEGER, &digits, &mut content);
    }
    let mut made = Vec::new();
    write(SEQUENCE, &content, &mut made);
    made
}

fn write(tag: u8, content: &[u8], made: &mut Vec<u8>) {
    made.push(tag);
    match u8::try_from(content.len()) {
        Ok(length) if length < 0x80 => made.push(length),
        _ => {
            let length = content.len().to_be_bytes();
            let zeros = length.iter().take_while(|byte| **byte == 0).count();
            let length = length.get(zeros..).unwrap_or_default();
            made.push(0x80 | u8::try_from(length.len()).unwrap_or_default());
            made.extend(length);
        }
    }
    made.extend(content);
}
