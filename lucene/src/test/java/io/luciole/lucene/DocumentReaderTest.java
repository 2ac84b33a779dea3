package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.apache.lucene.search.Query;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DocumentReaderTest {
  @TempDir private Path folder;
  private final EmbeddingEngine engine = new FakeModel(Output.DENSE, Output.SPARSE).open();

  @AfterEach
  void close() {
    engine.close();
  }

  private LiveIndex open(boolean passages) {
    SchemaBuilder schema = HybridSchema.builder(engine).metadata("n", MetadataType.LONG);
    if (passages) {
      schema.chunks(16, 0);
    }
    return LiveIndex.open(
        folder.resolve("index"), engine, WriteOptions.defaults().schema(schema.build()));
  }

  private static SourceDocument document(String id, int n) {
    String text = "alpha beta gamma. ".repeat(1 + n % 20) + n;
    return new SourceDocument(id, "Title " + n, text, Map.of("n", n, "tags", List.of("x", n)));
  }

  private static List<String> pages(LiveIndex index, int limit, Query filter) {
    List<String> ids = new ArrayList<>();
    String after = "";
    for (; ; ) {
      String last = after;
      List<SourceDocument> page =
          index.search(searcher -> new DocumentReader(searcher).list(last, limit, filter));
      page.forEach(document -> ids.add(document.id()));
      if (page.size() < limit) {
        return ids;
      }
      after = page.get(limit - 1).id();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void documents_areReadAsTheyWerePut(boolean passages) {
    TreeMap<String, SourceDocument> expected = new TreeMap<>();
    try (LiveIndex index = open(passages)) {
      for (int n = 0; n < 57; n++) {
        // Two thirds are replaced or deleted later.
        for (String id : new String[] {"d" + n, "é" + n % 7, "gone" + n % 5}) {
          SourceDocument document = document(id, n);
          index.put(document).join();
          expected.put(id, document);
        }
        if (n % 20 == 0) {
          index.commit();
        }
      }
      for (int n = 0; n < 5; n++) {
        assertThat(index.delete("gone" + n)).isTrue();
        expected.remove("gone" + n);
      }
      index.commit();

      assertThat(pages(index, 10, DocumentReader.all()))
          .containsExactlyElementsOf(expected.keySet());
      assertThat(pages(index, 1000, DocumentReader.all())).hasSize(expected.size());
      Query small =
          MetadataFilters.of(index.schema()).parse(Map.of("n", Map.of("lt", 10)), "filter");
      assertThat(pages(index, 3, small))
          .containsExactlyElementsOf(
              expected.entrySet().stream()
                  .filter(e -> Integer.parseInt(e.getValue().title().substring(6)) < 10)
                  .map(Map.Entry::getKey)
                  .toList());
      Map<String, SourceDocument> all = new TreeMap<>();
      index.search(searcher -> {
        DocumentReader reader = new DocumentReader(searcher);
        reader.forEach(
            DocumentReader.all(),
            document -> assertThat(all.put(document.id(), document)).isNull());
        assertThat(reader.find("d30")).contains(document("d30", 30));
        assertThat(reader.find("é3")).contains(expected.get("é3"));
        assertThat(reader.find("gone1")).isEmpty();
        assertThat(reader.find("d")).isEmpty();
        assertThatThrownBy(() -> reader.list("", 0, DocumentReader.all()))
            .isInstanceOf(IllegalArgumentException.class);
        return true;
      });
      assertThat(all).isEqualTo(expected);
    }
  }

  @Test
  void pages_haveWhatIsThereAllTheTimeOnce_whileTheIndexChanges() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    try (LiveIndex index = open(false)) {
      Set<String> steady = new HashSet<>();
      for (int n = 0; n < 100; n++) {
        index.put(document("s" + n, n)).join();
        steady.add("s" + n);
      }
      index.commit();
      List<String> seen = new ArrayList<>();
      String after = "";
      for (boolean more = true; more; ) {
        String last = after;
        List<SourceDocument> page =
            index.search(
                searcher -> new DocumentReader(searcher).list(last, 7, DocumentReader.all()));
        page.forEach(document -> seen.add(document.id()));
        more = page.size() == 7;
        after = more ? page.get(6).id() : "";
        for (int i = 0; i < 5; i++) {
          index.put(document("new" + random.nextInt(50), i)).join();
          index.put(document("s" + random.nextInt(100), i)).join();
          index.delete("new" + random.nextInt(50));
        }
        index.commit();
      }
      assertThat(seen).as("seed %d", seed).doesNotHaveDuplicates().containsAll(steady);
    }
  }

  @Test
  void list_ofAnEmptyIndex_isEmpty_andSortById_listsById() {
    try (LiveIndex index = open(false)) {
      assertThat(pages(index, 10, DocumentReader.all())).isEmpty();
      index.put(document("b", 1)).join();
      index.put(document("a", 2)).join();
      index.commit();
      HybridQuery listing =
          HybridQuery.of("")
              .arrange(Arrangement.NONE.sort(MetadataSort.descending(MetadataSort.ID)));
      assertThat(index.search(searcher -> searcher.search(listing)).hits())
          .extracting(Hit::id)
          .containsExactly("b", "a");
    }
  }
}
