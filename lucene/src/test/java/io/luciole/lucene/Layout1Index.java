package io.luciole.lucene;

import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.apache.lucene.document.DoubleField;
import org.apache.lucene.document.KeywordField;
import org.apache.lucene.document.LongField;
import org.apache.lucene.search.MatchAllDocsQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.store.FSDirectory;

/**
 * The index of layout 1 in {@code src/test/resources/layout1}, and what was found in it when it was
 * written. {@link #main} made {@code found.txt} and the folder {@code index}, whose files {@code
 * index.zip} has; it was run at commit 6633e9e, the last that makes layout 1. With a later one it
 * would make the layout of that time.
 */
final class Layout1Index {
  static final Path FOLDER = Path.of("src/test/resources/layout1");

  private static final String P = SchemaFields.METADATA_PREFIX;

  private Layout1Index() {}

  static HybridSchema schema(EmbeddingEngine engine) {
    return HybridSchema.builder(engine)
        .chunks(24, 6)
        .metadata("year", MetadataType.LONG)
        .metadata("price", MetadataType.DOUBLE)
        .metadata("day", MetadataType.DATE)
        .metadata("kind", MetadataType.KEYWORD)
        .build();
  }

  /** Filters of all kinds that layout 1 knows, by the names under which the folder has them. */
  static Map<String, Query> filters() {
    Map<String, Query> filters = new LinkedHashMap<>();
    filters.put("none", MatchAllDocsQuery.INSTANCE);
    filters.put("lang=en", HybridQuery.metadata("lang", "en"));
    filters.put("year=1993", HybridQuery.metadata("year", "1993"));
    filters.put("day=2026-11-03", HybridQuery.metadata("day", "2026-11-03"));
    filters.put("n=1E+1", HybridQuery.metadata("n", "1E+1"));
    filters.put("flag=true", HybridQuery.metadata("flag", "true"));
    filters.put("tags", HybridQuery.metadata("tags", "[\"a\",\"b\"]"));
    filters.put("nested", HybridQuery.metadata("nested", "{\"k\":\"v\"}"));
    filters.put("note", HybridQuery.metadata("note", "long ".repeat(80)));
    filters.put("year 1993 to 1995", LongField.newRangeQuery(P + "year", 1993, 1995));
    filters.put("price 5 to 10", DoubleField.newRangeQuery(P + "price", 5, 10));
    filters.put(
        "day from 2026-11-08",
        LongField.newRangeQuery(P + "day", MetadataType.parseDate("2026-11-08"), Long.MAX_VALUE));
    filters.put("kind odd", KeywordField.newExactQuery(P + "kind", "odd"));
    return filters;
  }

  /** What each leg finds under each filter, one line each; and the metadata of each document. */
  static List<String> found(HybridSearcher searcher) {
    List<String> lines = new ArrayList<>();
    filters()
        .forEach((name, filter) -> {
          for (Leg leg : Leg.values()) {
            HybridQuery query =
                HybridQuery.of("firefly night wave").legs(leg).filter(filter).top(100);
            TreeSet<String> ids = new TreeSet<>();
            searcher.search(query).hits().forEach(hit -> ids.add(hit.id()));
            lines.add(name + " | " + leg.id() + " | " + String.join(" ", ids));
          }
        });
    return lines;
  }

  /** Makes the folder {@code index}, and what is found in it. */
  public static void main(String[] arguments) throws IOException {
    Path index = FOLDER.resolve("index");
    try (EmbeddingEngine engine = new FakeModel(Output.DENSE, Output.SPARSE).open()) {
      WriteOptions options = WriteOptions.defaults().schema(schema(engine)).writerThreads(1);
      try (HybridIndexer indexer = HybridIndexer.open(index, engine, options);
          DocumentSource documents = BeirReader.corpus(FOLDER.resolve("corpus.jsonl"))) {
        documents.forEachRemaining(document -> indexer.put(document).join());
        indexer.commitMerged();
      }
      try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
        Files.write(FOLDER.resolve("found.txt"), found(searcher));
      }
    }
    try (FSDirectory directory = FSDirectory.open(index)) {
      System.out.println(String.join(" ", directory.listAll()));
    }
  }
}
