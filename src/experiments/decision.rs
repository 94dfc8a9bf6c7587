//! What a declaration does to the experiment as it is stored.

use super::declaration::{Declaration, Status};
use super::experiment::Experiment;
use crate::http::problem::{Code, Problem};

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// The experiment is to be stored so: over the version before its own, or, as the first version, where none is.
    Store(Experiment),
    /// It is stored so already.
    Keep(Experiment),
}

/// Decides about a declaration made at `now_ms`, in milliseconds since 1970.
///
/// A draft can be started, a running experiment stopped, and a stopped one started again. While it runs, what decides who
/// is assigned to what does not change: stopping it is a declaration of its own. Coverage may change, which takes units in
/// or leaves them out, but moves none from one variant to another.
///
/// An experiment that is over, for its sessions are forgotten, stays stopped, and stays under the rules by which its
/// figures were made.
///
/// # Errors
/// [`Code::InvalidTransition`], [`Code::ExperimentRunning`], [`Code::ExperimentOver`].
pub fn decide(
    known: Option<Experiment>,
    declaration: Declaration,
    is_over: bool,
    now_ms: i64,
) -> Result<Decision, Problem> {
    let status = declaration.status;
    let Some(known) = known else {
        if is_over {
            return Err(over("/status", "be declared again. Give a new experiment a new id."));
        }
        check_transition(Status::Draft, status)?;
        let started_ms = (status == Status::Running).then_some(now_ms);
        return Ok(Decision::Store(Experiment { declaration, started_ms, stopped_ms: None, version: 1 }));
    };
    check_transition(known.declaration.status, status)?;
    if known.declaration == declaration {
        return Ok(Decision::Keep(known));
    }
    if is_over {
        check_over(&known.declaration, &declaration)?;
    }
    if known.declaration.status == Status::Running {
        check_running(&known.declaration, &declaration)?;
    }
    Ok(Decision::Store(Experiment {
        declaration,
        started_ms: known.started_ms.or((status == Status::Running).then_some(now_ms)),
        stopped_ms: (status == Status::Stopped).then_some(known.stopped_ms.unwrap_or(now_ms)),
        version: known.version + 1,
    }))
}

fn check_transition(before: Status, after: Status) -> Result<(), Problem> {
    let detail = match (before, after) {
        (Status::Draft, Status::Stopped) => "An experiment that never ran cannot be stopped.",
        (Status::Running, Status::Draft) => "A running experiment is no draft again: stop it.",
        (Status::Stopped, Status::Draft) => "A stopped experiment is no draft again: start it, or leave it.",
        _ => return Ok(()),
    };
    Err(Problem::at(Code::InvalidTransition, "/status", detail))
}

fn check_over(known: &Declaration, new: &Declaration) -> Result<(), Problem> {
    let (pointer, what) = match new {
        new if new.status != Status::Stopped => ("/status", "be started again. Give a new experiment a new id."),
        new if new.rules.multi_variant != known.rules.multi_variant => ("/multi_variant", "be judged anew."),
        new if new.rules != known.rules => ("/conversion_window_hours", "be judged anew."),
        _ => return Ok(()),
    };
    Err(over(pointer, what))
}

fn over(pointer: &str, what: &str) -> Problem {
    let detail = format!("The sessions of this experiment are forgotten: it cannot {what}");
    Problem::at(Code::ExperimentOver, pointer, detail)
}

fn check_running(known: &Declaration, new: &Declaration) -> Result<(), Problem> {
    let changes = [
        ("/variants", known.variants != new.variants),
        ("/seed", known.seed != new.seed),
        ("/hash_version", known.hash_version != new.hash_version),
        ("/namespace", known.namespace != new.namespace),
    ];
    match changes.into_iter().find(|(_, is_changed)| *is_changed) {
        Some((pointer, _)) => {
            let detail =
                "This would assign units anew while the experiment runs. Stop it first, in a request of its own.";
            Err(Problem::at(Code::ExperimentRunning, pointer, detail))
        }
        None => Ok(()),
    }
}
