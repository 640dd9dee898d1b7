//! Values that stay the same within one evaluation: the time, and random values with a name.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    time::SystemTime,
};

use aws_lc_rs::rand;
use regorus::Value;
use uuid::Uuid;

use super::{Builtin, budget, json, string, text, whole};

pub(super) const ALL: [Builtin; 4] = [
    Builtin {
        name: "time.now_ns",
        arity: 0,
        call: |_| now().map(Value::from),
    },
    Builtin {
        name: "rand.intn",
        arity: 2,
        call: |arguments| {
            let (name, below) = (text(arguments, 0)?, whole(arguments, 1)?.unsigned_abs());
            kept(format!("number {below} {name}"), || below_by_chance(below))
        },
    },
    Builtin {
        name: "uuid.rfc4122",
        arity: 1,
        call: |arguments| {
            // OPA accepts any value as the name.
            let name = arguments.first().map(json::text).transpose()?;
            kept(format!("uuid {}", name.unwrap_or_default()), || {
                Ok(string(&Uuid::new_v4().to_string()))
            })
        },
    },
    // Empty, because a policy must not see geowarden's environment or configuration.
    Builtin {
        name: "opa.runtime",
        arity: 0,
        call: |_| Ok(Value::new_object()),
    },
];

#[derive(Default)]
struct Once {
    /// The time of the evaluation, in nanoseconds since 1970.
    now: Option<i64>,
    chosen: HashMap<String, Value>,
}

thread_local! {
    static FIXED: Cell<Option<i64>> = const { Cell::new(None) };
    static ONCE: RefCell<Once> = RefCell::default();
}

/// Fixes the time that `time.now_ns` returns in evaluations on this thread, in nanoseconds since 1970. `None` is the system's clock.
pub fn fix_now(nanoseconds: Option<i64>) {
    FIXED.set(nanoseconds);
}

/// Forgets all values for a new evaluation on this thread.
pub(super) fn begin() {
    ONCE.with_borrow_mut(|once| {
        once.now = FIXED.get();
        once.chosen.clear();
    });
}

/// The time of the evaluation, in nanoseconds since 1970.
pub(super) fn now() -> Result<i64, String> {
    ONCE.with_borrow_mut(|once| {
        if let Some(now) = once.now {
            return Ok(now);
        }
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let nanoseconds = since
            .ok()
            .and_then(|since| since.as_nanos().try_into().ok());
        let now = nanoseconds.ok_or("the system's clock is out of range")?;
        once.now = Some(now);
        Ok(now)
    })
}

fn kept(name: String, choose: impl FnOnce() -> Result<Value, String>) -> Result<Value, String> {
    ONCE.with_borrow_mut(|once| {
        if let Some(value) = once.chosen.get(&name) {
            return Ok(value.clone());
        }
        budget::elements(1)?;
        budget::text(name.len())?;
        let value = choose()?;
        once.chosen.insert(name, value.clone());
        Ok(value)
    })
}

fn below_by_chance(below: u64) -> Result<Value, String> {
    let mut bytes = [0; 8];
    rand::fill(&mut bytes).map_err(|_| "the system has no random numbers".to_owned())?;
    // The upper half of the product is a random number below the limit. For the limit 0 it is 0.
    let product = u128::from(u64::from_le_bytes(bytes)) * u128::from(below);
    Ok(Value::from(
        u64::try_from(product >> 64).unwrap_or_default(),
    ))
}
