//! Who may do what. Everything that reads or writes rows for a caller asks here.

use uuid::Uuid;

use super::prompt::PromptAccess;
use crate::http::identity::{Identity, User};
use crate::http::problem::{Code, Problem};

/// Whether a prompt is there for this caller: the service sees all, everybody their own, and what is public and active.
#[must_use]
pub fn may_see(identity: &Identity, prompt: &PromptAccess) -> bool {
    let owner: Option<Uuid> = identity.user().map(|user| user.id);
    matches!(identity, Identity::Service(_)) || owner == Some(prompt.owner) || (prompt.is_public && prompt.is_active)
}

/// The user whose event this is: forks and comparisons are somebody's.
///
/// # Errors
/// [`Code::UserRequired`].
pub fn require_user(identity: &Identity) -> Result<&User, Problem> {
    let refused = || Problem::new(Code::UserRequired, "Send a user's token: Authorization: Bearer, then the token.");
    identity.user().ok_or_else(refused)
}

/// Lets the service pass, who reads experiments and moves data.
///
/// # Errors
/// [`Code::CredentialRequired`] for an anonymous caller, [`Code::ServiceRequired`] for a user.
pub fn require_service(identity: &Identity) -> Result<(), Problem> {
    match identity {
        Identity::Service(_) => Ok(()),
        Identity::Anonymous => {
            Err(Problem::new(Code::CredentialRequired, "Send the service key: Authorization: Bearer, then the key."))
        }
        Identity::User(_) => Err(Problem::new(Code::ServiceRequired, "Only the service key may do this.")),
    }
}

/// The problem of a prompt that is not there for the caller, whether or not it exists.
#[must_use]
pub fn unknown_prompt() -> Problem {
    Problem::new(Code::UnknownPrompt, "No prompt that you may see has this id.")
}
