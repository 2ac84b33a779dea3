/**
 * For testing backends, and code that uses Luciole: the contract that every backend must pass
 * ({@link io.luciole.testkit.BackendContractTest}), a wrapper that watches any of them ({@link
 * io.luciole.testkit.AssertingBackend}), the reference fixture ({@link io.luciole.testkit.MiniM3}),
 * a model folder that costs nothing ({@link io.luciole.testkit.FakeModel}) and a backend with
 * programmable delay, memory and failures ({@link io.luciole.testkit.FakeBackend}).
 */
@NullMarked
package io.luciole.testkit;

import org.jspecify.annotations.NullMarked;
