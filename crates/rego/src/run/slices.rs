//! Engines for the values of the index. Each holds only the rules that can hold for its value. An engine is made when
//! it is first needed.

use std::{
    collections::{BTreeSet, HashMap},
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use quick_cache::{Weighter, sync::Cache};
use regorus::{Engine, Value as RegoValue};
use serde_json::Value;

use super::{
    builtins,
    compile::compile,
    engine::{LOAD_LIMIT, engine, timer},
    vm,
};
use crate::{
    BuiltinErrors, EngineChoice, LoadError, Settings, engine_error,
    plan::{
        Plan,
        index::{Index, Piece},
        rules::{NoProgram, NoProgramKind, PackedRules, RuleNumber},
    },
};

/// The largest number of rules in all kept engines together. A rule takes about 8 KiB.
const MAX_RULES: u64 = 4096;
/// The weight of an engine without rules, counted in rules. Its built-in functions take about 100 KiB.
const EMPTY: u64 = 16;
/// The expected number of kept engines.
const USUAL_ENGINES: usize = 128;

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// An engine that is copied for evaluations.
pub(crate) struct Slice {
    /// The number of this slice. No other slice ever has the same number.
    pub(crate) id: u64,
    /// What evaluates it.
    pub(crate) prepared: Prepared,
    /// The number of its modules and rules.
    size: usize,
}

/// What evaluates a slice.
pub(crate) enum Prepared {
    /// A program for VMs.
    Vm(Arc<vm::Prepared>),
    /// An engine, after one evaluation. So its copies have everything prepared.
    Interpreter(Box<Engine>),
}

#[derive(Clone)]
struct ByRules;

impl Weighter<String, Arc<Slice>> for ByRules {
    fn weight(&self, _value: &String, slice: &Arc<Slice>) -> u64 {
        let size = u64::try_from(slice.size).unwrap_or(u64::MAX);
        // Limit the weight so that even the largest engine is kept. Making it again for each request would be worse.
        EMPTY.saturating_add(size).min(MAX_RULES / 2)
    }
}

/// What is needed to make engines.
struct Making {
    /// The number of this policy. No other policy ever has the same number.
    policy: u64,
    rule: String,
    timeout: Duration,
    errors: BuiltinErrors,
    data: RegoValue,
    /// The rules for programs, if the register VM evaluates the policy.
    rules: Option<PackedRules>,
}

/// Leaves a policy to the interpreter if the register VM cannot evaluate all of its rules.
pub(crate) fn choose_engine(plan: &mut Plan) {
    let Ok(rules) = &plan.rules else {
        return;
    };
    let Some(all) = rules.unpack(rules.all()) else {
        plan.rules = Err(NoProgram::too_large("a rule cannot be unpacked"));
        return;
    };
    let all = all.iter().map(|(module, rule)| (*module, rule));
    // What an error of a built-in does makes no difference to the form of the program.
    if let Err(none) = compile(all, &rules.entry, BuiltinErrors::Refuse) {
        // With an index, only a part of the rules is evaluated for each request.
        if none.kind != NoProgramKind::Size || plan.index.is_none() {
            plan.rules = Err(none.in_file(plan.sources.modules.keys().next()));
        }
    }
}

impl Making {
    /// A slice with these rules, if they have a program.
    fn program(&self, size: usize, wanted: impl Iterator<Item = RuleNumber>) -> Option<Arc<Slice>> {
        let rules = self.rules.as_ref()?;
        let all = rules.unpack(wanted)?;
        let all = all.iter().map(|(module, rule)| (*module, rule));
        let compiled = compile(all, &rules.entry, self.errors).ok()?;
        let program = vm::Prepared::new(compiled, self.data.clone(), self.timeout);
        Some(Arc::new(Slice {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            prepared: Prepared::Vm(Arc::new(program)),
            size,
        }))
    }

    fn slice<'a>(
        &self,
        modules: impl IntoIterator<Item = (&'a str, String)>,
        size: usize,
        limit: Duration,
    ) -> Result<Arc<Slice>, LoadError> {
        let mut engine = engine(modules, self.data.clone(), self.errors)?;
        engine.set_execution_timer_config(timer(limit));
        builtins::begin(self.policy);
        // The first evaluation analyses all modules, so errors in modules show here.
        engine.set_input(RegoValue::new_object());
        engine
            .eval_rule(self.rule.clone())
            .map_err(|e| self.fault(&e.to_string()))?;
        engine.set_execution_timer_config(timer(self.timeout));
        Ok(Arc::new(Slice {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            prepared: Prepared::Interpreter(Box::new(engine)),
            size,
        }))
    }

    fn fault(&self, text: &str) -> LoadError {
        if text.contains("not a valid rule path") {
            let entrypoint = self.rule.replace('.', "/");
            let entrypoint = entrypoint.strip_prefix("data/").unwrap_or(&entrypoint);
            LoadError::NoEntrypoint {
                entrypoint: entrypoint.to_owned(),
            }
        } else {
            LoadError::Unusable(engine_error::for_author(text))
        }
    }
}

/// The engines of a policy: one with all rules, or one for each value of the index.
pub(crate) enum Slices {
    /// One engine for every request, and the number of the policy.
    Whole(Arc<Slice>, u64),
    /// One engine for each value.
    By(Box<ByValue>),
}

impl Slices {
    /// Puts all rules in one engine.
    pub(crate) fn whole(plan: &Plan, rule: &str, settings: &Settings) -> Result<Self, LoadError> {
        let making = Making::of(plan, rule, settings);
        let all = making.rules.iter().flat_map(PackedRules::all);
        let slice = match making.program(0, all) {
            Some(slice) => slice,
            None => making.slice(plan.modules(), 0, LOAD_LIMIT)?,
        };
        Ok(Self::Whole(slice, making.policy))
    }

    /// Uses the index of the policy, if it has one.
    pub(crate) fn of(plan: &Plan, rule: &str, settings: &Settings) -> Result<Self, LoadError> {
        match &plan.index {
            Some(index) if !index.leaves_out(rule) => {
                let making = Making::of(plan, rule, settings);
                ByValue::new(plan, index, making).map(|by| Self::By(Box::new(by)))
            }
            _ => Self::whole(plan, rule, settings),
        }
    }

    /// The number of the policy. No other policy ever has the same number.
    pub(crate) fn policy(&self) -> u64 {
        match self {
            Self::Whole(_, policy) => *policy,
            Self::By(by) => by.making.policy,
        }
    }

    /// The engine for a request.
    pub(crate) fn get(&self, input: &Value) -> Result<Arc<Slice>, LoadError> {
        match self {
            Self::Whole(slice, _) => Ok(Arc::clone(slice)),
            Self::By(by) => by.get(input),
        }
    }
}

impl Making {
    fn of(plan: &Plan, rule: &str, settings: &Settings) -> Self {
        Self {
            policy: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            rule: rule.to_owned(),
            timeout: settings.timeout,
            errors: settings.builtin_errors,
            data: plan.data(),
            rules: match settings.engine {
                EngineChoice::Auto => plan.rules.as_ref().ok().cloned(),
                EngineChoice::Interpreter => None,
            },
        }
    }
}

/// Engines, each for one value of the index.
pub(crate) struct ByValue {
    making: Making,
    index: Index,
    texts: Vec<Text>,
    /// The rules that every program has.
    always: Vec<RuleNumber>,
    /// For each value: the rules that its engine has in addition.
    added: HashMap<String, Added>,
    /// The engine for all values that no rule names.
    other: Arc<Slice>,
    kept: Cache<String, Arc<Slice>, ByRules>,
}

/// The rules that the engine of one value has in addition.
#[derive(Default)]
struct Added {
    /// Whole modules.
    modules: Vec<(String, String)>,
    /// Rules, by the number of the text and the place in it.
    slots: Vec<(usize, usize)>,
    /// All these rules, for programs.
    rules: Vec<RuleNumber>,
}

/// The text of a module without the rules that can be left out.
struct Text {
    name: String,
    /// Empty lines replace the rules, so that errors have the right line numbers.
    skeleton: String,
    slots: Vec<Slot>,
}

struct Slot {
    /// The place of the empty lines.
    place: Range<usize>,
    rule: String,
}

impl ByValue {
    fn new(plan: &Plan, index: &Index, making: Making) -> Result<Self, LoadError> {
        let mut added: HashMap<String, Added> = HashMap::new();
        let mut texts = Vec::new();
        let mut always: BTreeSet<RuleNumber> = BTreeSet::new();
        always.extend(making.rules.iter().flat_map(PackedRules::all));
        let number = |name: &str| making.rules.as_ref().and_then(|rules| rules.module(name));
        for (name, text) in &plan.sources.modules {
            let number = number(name);
            if let Some(value) = index.module(name) {
                let added = added.entry(value.to_owned()).or_default();
                added.modules.push((name.clone(), text.clone()));
                let of_module = always.iter().filter(|(module, _)| Some(*module) == number);
                let of_module: Vec<RuleNumber> = of_module.copied().collect();
                for rule in &of_module {
                    always.remove(rule);
                }
                added.rules.extend(of_module);
                continue;
            }
            for (slot, piece) in index.pieces(name).iter().enumerate() {
                let rule = number.map(|number| (number, piece.rule));
                for value in &piece.values {
                    let added = added.entry(value.clone()).or_default();
                    if added.slots.last() != Some(&(texts.len(), slot)) {
                        added.slots.push((texts.len(), slot));
                        added.rules.extend(rule);
                    }
                }
                if let Some(rule) = rule {
                    always.remove(&rule);
                }
            }
            texts.push(Text::new(name, text, index.pieces(name)));
        }
        let always: Vec<RuleNumber> = always.into_iter().collect();
        let other = if let Some(slice) = making.program(0, always.iter().copied()) {
            slice
        } else {
            let skeletons = texts
                .iter()
                .map(|text| (text.name.as_str(), text.skeleton.clone()));
            making.slice(skeletons, 0, LOAD_LIMIT)?
        };
        Ok(Self {
            other,
            always,
            making,
            index: index.clone(),
            texts,
            added,
            kept: Cache::with_weighter(USUAL_ENGINES, MAX_RULES, ByRules),
        })
    }

    /// The number of kept engines, and their weight.
    #[cfg(test)]
    pub(crate) fn kept(&self) -> (usize, u64) {
        (self.kept.len(), self.kept.weight())
    }

    fn get(&self, input: &Value) -> Result<Arc<Slice>, LoadError> {
        let known = self
            .index
            .value(input)
            .and_then(|value| self.added.get_key_value(value));
        let Some((value, added)) = known else {
            return Ok(Arc::clone(&self.other));
        };
        if let Some(slice) = self.kept.get(value) {
            return Ok(slice);
        }
        let count = self.index.stay + added.slots.len() + added.modules.len();
        let rules = self.always.iter().chain(&added.rules).copied();
        if let Some(slice) = self.making.program(count, rules) {
            self.kept.insert(value.clone(), Arc::clone(&slice));
            return Ok(slice);
        }
        let texts = self.texts.iter().enumerate().map(|(number, text)| {
            let slots = added.slots.iter().filter(|(text, _)| *text == number);
            (text.name.as_str(), text.with(slots.map(|(_, slot)| *slot)))
        });
        let modules = added.modules.iter();
        let modules = modules.map(|(name, text)| (name.as_str(), text.clone()));
        // A request is waiting, so the usual time limit applies.
        let limit = self.making.timeout;
        let slice = self.making.slice(texts.chain(modules), count, limit)?;
        self.kept.insert(value.clone(), Arc::clone(&slice));
        Ok(slice)
    }
}

impl Text {
    fn new(name: &str, text: &str, pieces: &[Piece]) -> Self {
        let mut skeleton = String::new();
        let mut slots = Vec::new();
        let mut done = 0;
        for piece in pieces {
            let end = piece.end.unwrap_or(text.len());
            let rule = text.get(piece.start..end).unwrap_or_default();
            skeleton.push_str(text.get(done..piece.start).unwrap_or_default());
            let start = skeleton.len();
            skeleton.extend(rule.chars().filter(|c| *c == '\n'));
            slots.push(Slot {
                place: start..skeleton.len(),
                rule: rule.to_owned(),
            });
            done = end;
        }
        skeleton.push_str(text.get(done..).unwrap_or_default());
        Self {
            name: name.to_owned(),
            skeleton,
            slots,
        }
    }

    /// The text with some of its rules put back. `slots` is in order.
    fn with(&self, slots: impl Iterator<Item = usize>) -> String {
        let mut text = String::with_capacity(self.skeleton.len() + 256);
        let mut done = 0;
        for slot in slots.filter_map(|slot| self.slots.get(slot)) {
            let before = self.skeleton.get(done..slot.place.start);
            text.push_str(before.unwrap_or_default());
            text.push_str(&slot.rule);
            done = slot.place.end;
        }
        text.push_str(self.skeleton.get(done..).unwrap_or_default());
        text
    }
}
