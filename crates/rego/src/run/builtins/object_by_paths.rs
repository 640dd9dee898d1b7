//! Puts an object together from values and their paths. Rules whose names have parts that are not constant need this.

use std::collections::{BTreeMap, BTreeSet};

use regorus::Value;

use super::{budget, errors};

const CONFLICT: &str = "two rules give the same part of an object different values";

/// Makes the object. The first operand is an object of values by their paths. The second is a set of pairs: the path of
/// a set, and a member of it.
pub(super) fn object_by_paths(arguments: &[Value]) -> Result<Value, String> {
    let [Value::Object(values), Value::Set(members)] = arguments else {
        return Err("operands must be an object and a set".to_owned());
    };
    let mut root = Node::Object(BTreeMap::new());
    for (path, value) in values.iter() {
        root.put(steps(path)?, value.clone())?;
    }
    let mut sets: BTreeMap<&Value, BTreeSet<Value>> = BTreeMap::new();
    for entry in members.iter() {
        let [path, member] = steps(entry)? else {
            return Err("expected a path and a member".to_owned());
        };
        sets.entry(path).or_default().insert(member.clone());
    }
    for (path, set) in sets {
        root.put(steps(path)?, Value::from(set))?;
    }
    root.into_value()
}

fn steps(path: &Value) -> Result<&[Value], String> {
    match path {
        Value::Array(steps) => Ok(steps.as_slice()),
        _ => Err("a path must be an array".to_owned()),
    }
}

/// A part of the object while it is made.
enum Node {
    /// Nothing was put here yet.
    Open,
    Object(BTreeMap<Value, Node>),
    Value(Value),
}

impl Node {
    /// The part at the end of a path.
    fn at(&mut self, path: &[Value]) -> Result<&mut Self, String> {
        let mut node = self;
        for step in path {
            let members = node.object()?;
            node = members.entry(step.clone()).or_insert(Self::Open);
        }
        Ok(node)
    }

    fn object(&mut self) -> Result<&mut BTreeMap<Value, Self>, String> {
        if matches!(self, Self::Open) {
            *self = Self::Object(BTreeMap::new());
        }
        match self {
            Self::Object(members) => Ok(members),
            _ => Err(errors::refuse(CONFLICT)),
        }
    }

    fn put(&mut self, path: &[Value], value: Value) -> Result<(), String> {
        let node = self.at(path)?;
        if !matches!(node, Self::Open) {
            return Err(errors::refuse(CONFLICT));
        }
        *node = Self::Value(value);
        Ok(())
    }

    fn into_value(self) -> Result<Value, String> {
        Ok(match self {
            Self::Open => Value::new_object(),
            Self::Value(value) => value,
            Self::Object(members) => {
                budget::elements(members.len())?;
                let mut object = BTreeMap::new();
                for (key, node) in members {
                    object.insert(key, node.into_value()?);
                }
                Value::from(object)
            }
        })
    }
}
