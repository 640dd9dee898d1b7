//! Evaluates programs with regorus's register VM.

use std::{sync::Arc, time::Duration};

use regorus::{
    Value as RegoValue,
    rvm::{Program, RegoVM, vm::VmError},
};

use super::{Fault, builtins, compile::Compiled, engine::timer, fault};
use crate::engine_error;

/// A VM with a program and the data.
pub(crate) struct Machine {
    vm: RegoVM,
    program: Arc<Prepared>,
}

/// A program that VMs share.
pub(crate) struct Prepared {
    program: Arc<Program>,
    compiled: Compiled,
    data: RegoValue,
    timeout: Duration,
}

impl Prepared {
    pub(crate) fn new(mut compiled: Compiled, data: RegoValue, timeout: Duration) -> Self {
        Self {
            program: Arc::new(std::mem::take(&mut compiled.program)),
            compiled,
            data,
            timeout,
        }
    }
}

impl Machine {
    pub(crate) fn new(program: Arc<Prepared>) -> Result<Self, Fault> {
        let mut vm = RegoVM::new();
        vm.load_program(Arc::clone(&program.program));
        // An error of a built-in is a limit if it refuses the request. Otherwise the built-in gives undefined.
        vm.set_strict_builtin_errors(false);
        // The clock is the limit.
        vm.set_max_instructions(usize::MAX);
        vm.set_execution_timer_config(Some(timer(program.timeout)));
        vm.set_data(program.data.clone())
            .map_err(|e| Fault::Evaluation(format!("data: {e}")))?;
        Ok(Self { vm, program })
    }

    /// The value of the program for `input`.
    pub(crate) fn evaluate(&mut self, input: RegoValue) -> Result<RegoValue, Fault> {
        self.vm.set_input(input);
        self.vm.execute().map_err(|error| {
            let cause = builtins::take_fault();
            let Some(cause) = cause else {
                return match error {
                    VmError::TimeLimitExceeded { .. } => Fault::Timeout,
                    error => fault(&error.to_string()),
                };
            };
            let text = engine_error::of_built_in(&cause);
            let place = self.program.compiled.place(self.vm.get_pc());
            fault(&engine_error::at(place.as_deref(), &text))
        })
    }
}
