//! What there is to tell.

/// A kind of alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Experiment events wait too long to be rolled up.
    RollupLag,
    /// The database is about to be full.
    Storage,
    /// Too many requests are answered with a 5xx.
    Errors,
    /// Credentials are tried.
    FailedAuthentication,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::RollupLag, Self::Storage, Self::Errors, Self::FailedAuthentication];

    /// The name that receivers can rely on.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RollupLag => "rollup_lag",
            Self::Storage => "storage",
            Self::Errors => "errors",
            Self::FailedAuthentication => "failed_authentication",
        }
    }
}
