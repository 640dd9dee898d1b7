//! The types that OPA's compiler gives to values, and what it does with them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::Deserialize;

/// A type. An unknown one belongs to a variable that no statement has used yet, and to a value with a fault.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Type {
    #[serde(skip)]
    Unknown,
    Null,
    Boolean,
    Number,
    String,
    Array(Array),
    Object(Object),
    Set(Box<Type>),
    /// At least two types.
    OneOf(BTreeSet<Type>),
    /// A function, with the types of its arguments and of its result.
    #[serde(skip)]
    Function(Vec<Type>, Box<Type>),
    Any,
}

/// An array: the types of its first elements, and that of all others.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(super) struct Array {
    #[serde(default)]
    pub(super) fixed: Vec<Type>,
    /// `None` where there are no others.
    #[serde(default)]
    pub(super) rest: Option<Box<Type>>,
}

/// An object: the types of the values of some keys, and the types of all other keys and values.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(super) struct Object {
    #[serde(default)]
    pub(super) fixed: BTreeMap<Key, Type>,
    /// `None` where there are no others.
    #[serde(default)]
    pub(super) rest: Option<Box<(Type, Type)>>,
}

/// A constant key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(from = "String")]
pub(super) enum Key {
    Null,
    Boolean(bool),
    /// As it is written.
    Number(String),
    String(String),
}

impl From<String> for Key {
    fn from(key: String) -> Self {
        Self::String(key)
    }
}

impl Key {
    fn kind(&self) -> Type {
        match self {
            Self::Null => Type::Null,
            Self::Boolean(_) => Type::Boolean,
            Self::Number(_) => Type::Number,
            Self::String(_) => Type::String,
        }
    }
}

/// Of how many types a type is made at most. One of more is as any value: `y := [x, x]` doubles the type of `x`, and forty such lines would not fit in memory.
const LARGEST: usize = 10_000;

impl Type {
    /// The type itself, or that of any value where it is made of too many types.
    pub(super) fn bounded(self) -> Self {
        let mut left = LARGEST;
        if self.fits(&mut left) {
            self
        } else {
            Self::Any
        }
    }

    /// Subtracts the number of types inside this one from `left`. Returns false if `left` is too small.
    fn fits(&self, left: &mut usize) -> bool {
        let Some(rest) = left.checked_sub(1) else {
            return false;
        };
        *left = rest;
        match self {
            Self::Array(array) => {
                let rest = array.rest.as_deref();
                array.fixed.iter().chain(rest).all(|one| one.fits(left))
            }
            Self::Object(object) => {
                let rest = object.rest.as_deref();
                object.fixed.values().all(|one| one.fits(left))
                    && rest.is_none_or(|(key, value)| key.fits(left) && value.fits(left))
            }
            Self::Set(of) => of.fits(left),
            Self::OneOf(all) => all.iter().all(|one| one.fits(left)),
            Self::Function(arguments, result) => {
                arguments.iter().all(|one| one.fits(left)) && result.fits(left)
            }
            _ => true,
        }
    }

    pub(super) fn object_of(keys: Type, values: Type) -> Self {
        Self::Object(Object {
            fixed: BTreeMap::new(),
            rest: Some(Box::new((keys, values))),
        })
    }

    /// Either of two types.
    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unknown, one) | (one, Self::Unknown) => one,
            (Self::Function(mut arguments, result), Self::Function(others, other)) => {
                if arguments.len() != others.len() {
                    return Self::Unknown;
                }
                for (argument, other) in arguments.iter_mut().zip(others) {
                    let one = std::mem::replace(argument, Self::Unknown);
                    *argument = one.or(other);
                }
                Self::Function(arguments, Box::new(result.or(*other)))
            }
            (Self::Function(..), _) | (_, Self::Function(..)) => Self::Unknown,
            (Self::Any, _) | (_, Self::Any) => Self::Any,
            (Self::OneOf(mut all), Self::OneOf(others)) => {
                all.extend(others);
                Self::OneOf(all)
            }
            (Self::OneOf(mut all), one) | (one, Self::OneOf(mut all)) => {
                all.insert(one);
                Self::OneOf(all)
            }
            (one, other) if one == other => one,
            (one, other) => Self::OneOf(BTreeSet::from([one, other])),
        }
    }

    fn or_all(all: impl IntoIterator<Item = Self>) -> Self {
        all.into_iter().fold(Self::Unknown, Self::or)
    }

    /// Whether some part of it is unknown.
    pub(super) fn is_unknown(&self) -> bool {
        match self {
            Self::Unknown => true,
            Self::Array(array) => {
                array.fixed.iter().any(Self::is_unknown)
                    || array.rest.as_deref().is_some_and(Self::is_unknown)
            }
            Self::Object(object) => {
                object.fixed.values().any(Self::is_unknown)
                    || object
                        .rest
                        .as_deref()
                        .is_some_and(|(key, value)| key.is_unknown() || value.is_unknown())
            }
            Self::Set(of) => of.is_unknown(),
            Self::Function(arguments, result) => {
                arguments.iter().any(Self::is_unknown) || result.is_unknown()
            }
            _ => false,
        }
    }

    /// The type of what it can be asked for; unknown where it has no parts.
    pub(super) fn keys(&self) -> Self {
        match self {
            Self::Array(_) => Self::Number,
            Self::Object(object) => {
                let fixed = object.fixed.keys().map(Key::kind);
                let rest = object.rest.as_deref().map(|(key, _)| key.clone());
                Self::or_all(fixed.chain(rest))
            }
            Self::Set(of) => (**of).clone(),
            Self::Any => Self::Any,
            Self::OneOf(all) => Self::or_all(all.iter().map(Self::keys)),
            _ => Self::Unknown,
        }
    }

    /// The type of its parts; unknown where it has none.
    pub(super) fn values(&self) -> Self {
        match self {
            Self::Array(array) => {
                let rest = array.rest.as_deref().cloned();
                Self::or_all(array.fixed.iter().cloned().chain(rest))
            }
            Self::Object(object) => {
                let rest = object.rest.as_deref().map(|(_, value)| value.clone());
                Self::or_all(object.fixed.values().cloned().chain(rest))
            }
            Self::Set(of) => (**of).clone(),
            Self::Any => Self::Any,
            Self::OneOf(all) => Self::or_all(all.iter().map(Self::values)),
            _ => Self::Unknown,
        }
    }

    /// The type of the part under a constant key; unknown where there is none.
    pub(super) fn part(&self, key: &Key) -> Self {
        match self {
            Self::Array(array) => match key {
                Key::Number(number) => array.element(number.parse().ok()),
                _ => Self::Unknown,
            },
            Self::Object(object) => object.value(key),
            Self::Set(of) if of.includes(&key.kind()) => key.kind(),
            Self::Any => Self::Any,
            Self::OneOf(all) => Self::or_all(all.iter().map(|one| one.part(key))),
            _ => Self::Unknown,
        }
    }

    /// Whether all values of the other type are of this one.
    fn includes(&self, other: &Self) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(all) => all.contains(other),
            one => one == other,
        }
    }

    /// Whether a value can be of both types.
    pub(super) fn unifies(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Function(own, _), Self::Function(others, _)) => {
                own.len() == others.len()
                    && own
                        .iter()
                        .zip(others)
                        .all(|(one, other)| one.unifies(other))
            }
            (Self::Unknown | Self::Function(..), _) | (_, Self::Unknown | Self::Function(..)) => {
                false
            }
            (Self::Any, _) | (_, Self::Any) => true,
            (Self::OneOf(all), one) | (one, Self::OneOf(all)) => {
                all.iter().any(|other| other.unifies(one))
            }
            (Self::Array(one), Self::Array(other)) => one.unifies(other),
            (Self::Object(one), Self::Object(other)) => one.unifies(other),
            (Self::Set(one), Self::Set(other)) => one.unifies(other),
            (one, other) => one == other,
        }
    }
}

impl Array {
    pub(super) fn element(&self, at: Option<usize>) -> Type {
        let Some(at) = at else { return Type::Unknown };
        let fixed = self.fixed.get(at).or(self.rest.as_deref());
        fixed.cloned().unwrap_or(Type::Unknown)
    }

    fn unifies(&self, other: &Self) -> bool {
        let longest = self.fixed.len().max(other.fixed.len());
        (0..longest).all(|at| self.element(Some(at)).unifies(&other.element(Some(at))))
            && rests_unify(self.rest.as_deref(), other.rest.as_deref())
    }
}

impl Object {
    fn value(&self, key: &Key) -> Type {
        if let Some(value) = self.fixed.get(key) {
            return value.clone();
        }
        match self.rest.as_deref() {
            Some((keys, value)) if keys.includes(&key.kind()) => value.clone(),
            _ => Type::Unknown,
        }
    }

    fn unifies(&self, other: &Self) -> bool {
        // A key of both counts once: each level of nested objects would double the time otherwise.
        let others = other.fixed.keys();
        let others = others.filter(|key| !self.fixed.contains_key(key));
        let mut keys = self.fixed.keys().chain(others);
        let rest = |object: &'_ Self| {
            let value = object.rest.as_deref().map(|(_, value)| value.clone());
            value.filter(|value| *value != Type::Unknown)
        };
        keys.all(|key| self.value(key).unifies(&other.value(key)))
            && rests_unify(rest(self).as_ref(), rest(other).as_ref())
    }
}

fn rests_unify(one: Option<&Type>, other: Option<&Type>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.unifies(other),
        _ => true,
    }
}

/// In words, for an author: `a number or a string`.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("a value whose type is not known"),
            Self::Null => f.write_str("null"),
            Self::Boolean => f.write_str("a boolean"),
            Self::Number => f.write_str("a number"),
            Self::String => f.write_str("a string"),
            Self::Array(array) if array.fixed.is_empty() => {
                let of = array.rest.as_deref().unwrap_or(&Self::Unknown).plural();
                write!(f, "an array{}", of.unwrap_or_default())
            }
            Self::Array(array) => {
                let elements: Vec<String> = array.fixed.iter().map(ToString::to_string).collect();
                write!(f, "an array with the elements ({})", elements.join(", "))
            }
            Self::Object(object) if object.fixed.is_empty() => f.write_str("an object"),
            Self::Object(object) => {
                let keys: Vec<String> = object.fixed.keys().map(ToString::to_string).collect();
                write!(f, "an object with the keys ({})", keys.join(", "))
            }
            Self::Set(of) => write!(f, "a set{}", of.plural().unwrap_or_default()),
            Self::OneOf(all) => {
                let all: Vec<String> = all.iter().map(ToString::to_string).collect();
                f.write_str(&all.join(" or "))
            }
            Self::Function(..) => f.write_str("a function"),
            Self::Any => f.write_str("any value"),
        }
    }
}

impl Type {
    /// What follows the name of a collection of such values; `None` where it would tell little.
    fn plural(&self) -> Option<&'static str> {
        Some(match self {
            Self::Unknown => " whose elements have no type",
            Self::Boolean => " of booleans",
            Self::Number => " of numbers",
            Self::String => " of strings",
            _ => return None,
        })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Number(number) => f.write_str(number),
            Self::String(text) => write!(f, "`{text}`"),
        }
    }
}
