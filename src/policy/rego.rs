//! A loaded Rego policy: evaluates it, reads its value as a verdict, and remembers verdicts.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use geowarden_rego::{LoadError, Sources, diagnostic::Diagnostic, prove::Prover};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::{
    Judgement, Policy, PolicyError, Question, RegoSettings, Turn, Verdict, VerdictSource, input,
    memo::Memo, trial,
};

/// After an evaluation longer than this, the policy counts as slow. Other requests then must not wait for its
/// evaluations.
const SLOW_EVALUATION: Duration = Duration::from_millis(50);
/// After this many quick evaluations a slow policy counts as quick again: perhaps only the machine was busy.
const QUICK_EVALUATIONS: u32 = 256;
/// How many evaluations of a slow policy may run at once, each on its own thread. The system shares the processors
/// among them, so a quick one need not wait until the others end.
const SLOW_AT_ONCE: usize = 64;

/// A loaded policy, ready to decide.
pub struct RegoPolicy {
    policy: geowarden_rego::Policy,
    warnings: Vec<String>,
    input: input::Shape,
    /// Whether the lines that it prints are kept.
    prints: bool,
    /// The remembered verdicts; `None` if a verdict may change while the input stays the same.
    memo: Option<Memo>,
    allowed: Arc<Verdict>,
    denied: Arc<Verdict>,
    /// How many quick evaluations are left until the policy counts as quick again.
    cautious: AtomicU32,
    slow: Semaphore,
}

impl RegoPolicy {
    /// Loads the policy. With a `prover` it is first tried in another process, since loading a policy can crash the
    /// process.
    pub fn load(
        sources: Sources,
        settings: &RegoSettings,
        prover: Option<&Prover>,
    ) -> Result<Self, LoadError> {
        let policy = match prover {
            Some(prover) => {
                let proof = trial::prove(prover, sources, settings)?;
                proof.load(&settings.policy)?
            }
            None => geowarden_rego::Policy::load(sources, &settings.policy)?,
        };
        Ok(Self {
            memo: Memo::new(settings.remembered).filter(|_| policy.is_pure() && !settings.print),
            prints: settings.print,
            warnings: policy.warnings().iter().map(ToString::to_string).collect(),
            policy,
            input: settings.input,
            allowed: Arc::new(Verdict::plain(true)),
            denied: Arc::new(Verdict::plain(false)),
            cautious: AtomicU32::new(0),
            slow: Semaphore::new(SLOW_AT_ONCE),
        })
    }

    fn noted(&self, duration: Duration) {
        let left = self.cautious.load(Ordering::Relaxed);
        if duration > SLOW_EVALUATION {
            self.cautious.store(QUICK_EVALUATIONS, Ordering::Relaxed);
        } else if left > 0 {
            // Two threads may update it at once, so the number is not exact.
            self.cautious.store(left - 1, Ordering::Relaxed);
        }
    }

    /// Evaluates the policy and reads its verdict.
    fn judge(&self, input: &input::Input<'_>) -> Judgement {
        let start = Instant::now();
        let (value, printed) = if self.prints {
            self.policy.evaluate_printing(input)
        } else {
            (self.policy.evaluate(input), Vec::new())
        };
        let duration = start.elapsed();
        self.noted(duration);
        let value = value.map_err(PolicyError::from);
        Judgement {
            verdict: value.and_then(|value| self.verdict(value)),
            source: VerdictSource::Evaluated(duration),
            printed,
        }
    }

    fn verdict(&self, value: Option<Value>) -> Result<Arc<Verdict>, PolicyError> {
        Ok(match value {
            Some(Value::Bool(true)) => Arc::clone(&self.allowed),
            Some(Value::Bool(false)) | None => Arc::clone(&self.denied),
            value => Arc::new(Verdict::from_value(value)?),
        })
    }

    /// The value of the entrypoint for `input`; `None` if it is undefined.
    pub fn evaluate(&self, input: &impl Serialize) -> Result<Option<Value>, PolicyError> {
        let start = Instant::now();
        let value = self.policy.evaluate(input);
        self.noted(start.elapsed());
        value.map_err(PolicyError::from)
    }

    /// The whole input that the policy is given for a question.
    pub fn input(&self, question: &Question<'_>) -> Result<Value, PolicyError> {
        serde_json::to_value(self.input.of(question)).map_err(|e| unreadable(&e))
    }

    /// Whether it gives the same value for the same input, whenever it is asked.
    pub fn is_pure(&self) -> bool {
        self.policy.is_pure()
    }

    /// Whether it can read something at this path of `input`, or a part of it.
    pub fn reads<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> bool {
        self.policy.reads().covers(path)
    }

    /// What can differ from OPA, and a note if the slower engine evaluates it, with their places.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        let mut all = self.policy.warnings().to_vec();
        all.extend(self.policy.interpreted());
        all
    }
}

impl Policy for RegoPolicy {
    fn decide(&self, question: &Question<'_>) -> Judgement {
        let input = self.input.of(question);
        let Some(memo) = &self.memo else {
            return self.judge(&input);
        };
        let key = match self.policy.reads().text(&input) {
            Ok(key) => key,
            Err(error) => {
                return Judgement {
                    verdict: Err(unreadable(&error)),
                    source: VerdictSource::Evaluated(Duration::ZERO),
                    printed: Vec::new(),
                };
            }
        };
        if let Some(verdict) = memo.get(&key) {
            return remembered(verdict);
        }
        let judgement = self.judge(&input);
        // An error is not remembered: the next evaluation may succeed.
        if let Ok(verdict) = &judgement.verdict {
            memo.insert(key, verdict);
        }
        judgement
    }

    fn turn(&self, question: &Question<'_>) -> Turn<'_> {
        if self.cautious.load(Ordering::Relaxed) == 0 {
            return Turn::Now;
        }
        let known = self.memo.as_ref().and_then(|memo| {
            let key = self.policy.reads().text(&self.input.of(question));
            memo.get(&key.ok()?)
        });
        known.map_or(Turn::After(&self.slow), |verdict| {
            Turn::Decided(remembered(verdict))
        })
    }

    fn shown(&self, question: &Question<'_>) -> Value {
        // Only Envoy's attributes can fail to serialise, and `eval`, which shows the input, has none.
        serde_json::to_value(self.input.of(question)).unwrap_or_default()
    }

    fn read_input(&self, question: &Question<'_>) -> Value {
        let input = self.policy.reads().value(&self.input.of(question));
        input.unwrap_or_default()
    }

    fn interpreted(&self) -> Option<String> {
        self.policy.interpreted().map(|note| note.to_string())
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }

    fn revision(&self) -> &str {
        self.policy.revision()
    }
}

fn remembered(verdict: Arc<Verdict>) -> Judgement {
    Judgement {
        verdict: Ok(verdict),
        source: VerdictSource::Remembered,
        printed: Vec::new(),
    }
}

fn unreadable(error: &serde_json::Error) -> PolicyError {
    geowarden_rego::Fault::Evaluation(format!("input: {error}")).into()
}

#[cfg(test)]
mod tests;
