//! Mistakes that have to be noticed.

/// A mistake that the simulated edge is to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    AnswersBeforeItIsStored,
    KeepsBeforeItIsStored,
    KeepsTheRestFromRankings,
    StoresNoIds,
    NamesEachAttemptAnew,
    OverwritesNewerSnapshots,
    HandsNoIdsOver,
    FoldsWithoutIds,
    NotesWhatIsPulledLater,
    StoresBatchesUnderTakenNumbers,
    NamesEachWriterAnew,
    MovesTheWatermarkFirst,
    RollsUpFromAnywhere,
    RecallsNoIds,
    RestoresNoIdsOfBatches,
    RestoresNoDeliveries,
    NamesEachDeliveryAnew,
    JudgesByRulesReadBefore,
    WakesWithoutTheCounts,
}
