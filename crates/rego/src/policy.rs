//! A loaded policy, ready to be evaluated.

use serde::Serialize;
use serde_json::Value;

use crate::{
    diagnostic::{Code, Diagnostic, Severity},
    lint,
    load_error::LoadError,
    plan::{Plan, reads::Reads, rules::NoProgram},
    resolve::Builtins,
    run::{
        self, Fault,
        builtins::{Available, Internal},
        engine::on_large_stack,
        slices::{Slices, choose_engine},
    },
    settings::{EngineChoice, Settings},
    source::Sources,
};

/// Which engines evaluate a policy.
#[derive(Clone, Copy)]
pub(crate) enum Rules {
    /// One engine with all rules.
    Whole,
    /// If the policy has an index: an engine with the rules that can hold for the request.
    ByIndex,
}

/// A loaded policy. It is evaluated on the calling thread, whose stack must have [`STACK_BYTES`](crate::STACK_BYTES).
pub struct Policy {
    slices: Slices,
    rule: String,
    reads: Reads,
    is_pure: bool,
    revision: String,
    warnings: Vec<Diagnostic>,
    interpreted: Option<NoProgram>,
}

impl Policy {
    /// Parses and checks everything in `sources` except tests. Also checks that the entrypoint is a rule.
    ///
    /// Loading a policy can crash the process. To be safe, use [`Proof::load`](crate::prove::Proof::load): it loads a
    /// policy that was first tried in another process.
    ///
    /// ```
    /// use std::{collections::BTreeMap, time::Duration};
    ///
    /// use geowarden_rego::{
    ///     BuiltinErrors, EngineChoice, LoadError, Policy, Settings, Sources, diagnostic::Code, source::Version,
    /// };
    ///
    /// let text = "package example\n\nallow if user == \"ada\"\n";
    /// let sources = Sources {
    ///     modules: BTreeMap::from([("example.rego".to_owned(), text.to_owned())]),
    ///     ..Sources::default()
    /// };
    /// let settings = Settings {
    ///     entrypoint: "example/allow".to_owned(),
    ///     version: Version::V1,
    ///     timeout: Duration::from_millis(100),
    ///     builtin_errors: BuiltinErrors::Refuse,
    ///     engine: EngineChoice::Auto,
    /// };
    /// let Err(LoadError::Diagnostics(found)) = Policy::load(sources, &settings) else {
    ///     panic!("`user` has no value");
    /// };
    /// assert_eq!(found[0].code, Code::Unsafe);
    /// assert_eq!((found[0].span.line, found[0].span.column), (3, 10));
    /// ```
    pub fn load(sources: Sources, settings: &Settings) -> Result<Self, LoadError> {
        Self::load_with(sources, settings, &Available)
    }

    /// Compiles a policy that [`translate`](crate::translate::translate) has printed. It may call internal functions, which no author can.
    pub fn load_printed(sources: Sources, settings: &Settings) -> Result<Self, LoadError> {
        Self::load_with(sources, settings, &Internal)
    }

    fn load_with(
        sources: Sources,
        settings: &Settings,
        builtins: &'static (dyn Builtins + Sync),
    ) -> Result<Self, LoadError> {
        let settings = settings.clone();
        on_large_stack(move || {
            let sources = sources.without_tests();
            let revision = sources.revision();
            let mut plan = Plan::of(
                &sources,
                settings.version,
                Some(&settings.entrypoint),
                builtins,
            )?;
            choose_engine(&mut plan);
            // No other process has tried this policy.
            Self::of_interpreter(&plan, &settings)
                .and_then(|_| Self::compile(&plan, revision, &settings, Rules::ByIndex))
                .map_err(|error| lint::with_loops(error, &sources, &settings))
        })
    }

    /// Compiles all rules in one engine of the interpreter, which analyses every rule.
    pub(crate) fn of_interpreter(plan: &Plan, settings: &Settings) -> Result<Self, LoadError> {
        let settings = Settings {
            engine: EngineChoice::Interpreter,
            ..settings.clone()
        };
        Self::compile(plan, String::new(), &settings, Rules::Whole)
    }

    pub(crate) fn compile(
        plan: &Plan,
        revision: String,
        settings: &Settings,
        rules: Rules,
    ) -> Result<Self, LoadError> {
        let rule = match &plan.entry {
            Some(entry) => entry.clone(),
            None => format!("data.{}", settings.entrypoint.replace('/', ".")),
        };
        if plan.functions.contains(&rule) {
            return Err(LoadError::FunctionEntrypoint(rule));
        }
        let make = match rules {
            Rules::Whole => Slices::whole,
            Rules::ByIndex => Slices::of,
        };
        Ok(Self {
            slices: make(plan, &rule, settings)?,
            rule,
            reads: plan.reach.reads.clone(),
            is_pure: plan.reach.is_pure,
            revision,
            warnings: plan.warnings.clone(),
            interpreted: match settings.engine {
                EngineChoice::Auto => plan.rules.as_ref().err().cloned(),
                EngineChoice::Interpreter => None,
            },
        })
    }

    /// The value of the entrypoint for `input`, or `None` if it is undefined. Only the parts of `input` that the policy
    /// can read are serialised.
    pub fn evaluate(&self, input: &impl Serialize) -> Result<Option<Value>, Fault> {
        let input = self.reads.value(input);
        let input = input.map_err(|e| Fault::Evaluation(format!("input: {e}")))?;
        run::evaluate(&self.slices, &self.rule, input)
    }

    /// Like `evaluate`, and also returns what the policy prints, one text for each line.
    pub fn evaluate_printing(
        &self,
        input: &impl Serialize,
    ) -> (Result<Option<Value>, Fault>, Vec<String>) {
        match self.reads.value(input) {
            Ok(input) => run::evaluate_printing(&self.slices, &self.rule, input),
            Err(e) => (Err(Fault::Evaluation(format!("input: {e}"))), Vec::new()),
        }
    }

    /// The parts of `input` that the policy can read. If the policy [is pure](Self::is_pure), two inputs with the same
    /// parts have the same value.
    pub fn reads(&self) -> &Reads {
        &self.reads
    }

    /// Whether the same input always gives the same value.
    pub fn is_pure(&self) -> bool {
        self.is_pure
    }

    /// A fingerprint of policies and data.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// A note if the interpreter evaluates the policy, although the settings leave the choice: what the register VM cannot evaluate.
    pub fn interpreted(&self) -> Option<Diagnostic> {
        let none = self.interpreted.as_ref()?;
        Some(Diagnostic {
            code: Code::Interpreter,
            severity: Severity::Note,
            file: none.file.clone(),
            span: none.span,
            message: format!(
                "the interpreter evaluates this policy, and not the register VM: {}",
                none.what
            ),
            cure: Some(none.cure().to_owned()),
            ..Diagnostic::default()
        })
    }

    /// Places where a value can differ from the value in OPA.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }
}

#[cfg(test)]
mod tests;
