package io.luciole;

import java.time.Duration;

/** How an engine runs; see {@link EmbeddingEngine.Builder} for what each means. */
record EngineSettings(
    int tokenBudget,
    long maxWaitingTokens,
    Overload overload,
    Duration maxWait,
    Duration batchTimeout,
    Duration closeTimeout,
    Duration reopenDelay,
    int tokenizerThreads) {}
