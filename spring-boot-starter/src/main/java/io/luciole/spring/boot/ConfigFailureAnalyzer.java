package io.luciole.spring.boot;

import io.luciole.ConfigException;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Shows wrong settings as Spring Boot shows such failures, without a stack trace. */
final class ConfigFailureAnalyzer extends AbstractFailureAnalyzer<ConfigException> {
  @Override
  protected @Nullable FailureAnalysis analyze(Throwable rootFailure, ConfigException cause) {
    return new FailureAnalysis(
        String.join(System.lineSeparator(), cause.problems()),
        "Correct these settings in the application's properties; docs/settings.md lists all.",
        cause);
  }
}
