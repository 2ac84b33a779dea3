package outside;

import com.google.inject.Guice;
import com.google.inject.Injector;
import io.luciole.LucioleConfig;
import io.luciole.guice.LucioleLifecycle;
import io.luciole.guice.LucioleModule;
import io.luciole.lucene.Hit;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.SourceDocument;
import java.util.List;
import java.util.Map;

/** Hybrid search with Guice, in ten lines. */
public final class Injected {
  private Injected() {}

  static List<Hit> answer(Map<String, String> settings, String query) {
    Injector injector = Guice.createInjector(new LucioleModule(LucioleConfig.of(settings)));
    try (LucioleLifecycle lifecycle = injector.getInstance(LucioleLifecycle.class)) {
      HybridIndexer indexer = injector.getInstance(HybridIndexer.class);
      indexer.put(SourceDocument.of("d1", "Fireflies", "On summer evenings they glow.")).join();
      indexer.put(SourceDocument.of("d2", "Inflation", "Prices rise, and wages follow.")).join();
      HybridSearcher searcher = injector.getInstance(HybridSearcher.class);
      return searcher.search(query).hits();
    }
  }
}
