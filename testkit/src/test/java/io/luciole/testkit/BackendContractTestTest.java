package io.luciole.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import io.luciole.spi.Backend;
import io.luciole.spi.BackendProvider;
import io.luciole.testkit.HashingBackend.Defect;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.platform.engine.discovery.ClassNameFilter;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

/** The contract fails for a backend with a defect, and passes for one without. */
class BackendContractTestTest {
  private static Defect defect = Defect.NONE;

  /** Run by the test below; Surefire looks only for names that end in Test. */
  static final class Contract extends BackendContractTest {
    @Override
    protected BackendProvider provider() {
      return new HashingBackend.Provider(defect);
    }

    @Override
    protected List<ReferenceText> reference() {
      return List.of();
    }

    @Override
    protected Optional<Backend> openStarved() {
      return Optional.of(new HashingBackend(defect, 1024, 2));
    }

    /** Fewer batches if another test should fail. */
    @Override
    int batches() {
      return defect == Defect.NONE || defect == Defect.MEMORY_KEPT ? super.batches() : 8;
    }

    @Override
    protected OptionalLong held(Backend backend) {
      return OptionalLong.of(((HashingBackend) backend).held);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aDefect_failsTheContract(Defect what) {
    defect = what;
    SummaryGeneratingListener listener = new SummaryGeneratingListener();
    LauncherDiscoveryRequest request =
        LauncherDiscoveryRequestBuilder.request()
            .selectors(selectClass(Contract.class))
            .filters(ClassNameFilter.includeClassNamePatterns(".*"))
            .build();

    LauncherFactory.create().execute(request, listener);

    TestExecutionSummary summary = listener.getSummary();
    List<String> failures =
        summary.getFailures().stream().map(failure -> failure.getException().toString()).toList();
    if (what == Defect.NONE) {
      assertThat(failures).isEmpty();
      assertThat(summary.getTestsSucceededCount()).isGreaterThan(15);
    } else {
      assertThat(failures).isNotEmpty();
    }
  }
}
