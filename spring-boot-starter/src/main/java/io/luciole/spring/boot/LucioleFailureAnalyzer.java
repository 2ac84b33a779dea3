package io.luciole.spring.boot;

import io.luciole.ConfigException;
import io.luciole.LucioleException;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/**
 * Shows wrong settings, and models and indexes that cannot be opened, as Spring Boot shows such
 * failures, without a stack trace. The messages of Luciole's exceptions say what to do.
 */
final class LucioleFailureAnalyzer extends AbstractFailureAnalyzer<LucioleException> {
  @Override
  protected @Nullable FailureAnalysis analyze(Throwable rootFailure, LucioleException cause) {
    return cause instanceof ConfigException wrong
        ? new FailureAnalysis(
            String.join(System.lineSeparator(), wrong.problems()),
            "Correct these settings in the application's properties; docs/settings.md lists all.",
            wrong)
        : new FailureAnalysis(String.valueOf(cause.getMessage()), null, cause);
  }
}
