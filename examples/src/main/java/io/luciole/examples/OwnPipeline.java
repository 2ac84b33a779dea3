package io.luciole.examples;

import io.luciole.EmbeddingEngine;
import io.luciole.lucene.BeirReader;
import io.luciole.lucene.DocumentSource;
import io.luciole.lucene.Hit;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridQuery;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.WriteOptions;
import java.io.IOException;
import java.nio.file.Path;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.LongField;
import org.apache.lucene.search.Sort;
import org.apache.lucene.search.SortField;
import org.apache.lucene.search.SortedNumericSortField;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.FSDirectory;

/**
 * A Lucene pipeline with fields, an index sort, soft deletes and a directory of its own, that gets
 * hybrid search.
 */
public final class OwnPipeline {
  private OwnPipeline() {}

  /**
   * Indexes passages with their lengths, deletes the long ones, and searches the short ones.
   *
   * @param args the corpus, the folder of the index; both optional
   * @throws IOException if the folder cannot be opened
   */
  public static void main(String[] args) throws IOException {
    Path corpus = Path.of(args.length > 0 ? args[0] : "examples/corpus/corpus.jsonl");
    Path index = Path.of(args.length > 1 ? args[1] : "target/example-pipeline");

    // The configuration of Lucene's writer is Luciole's, changed. Each document gets its length.
    Sort byLength = new Sort(new SortedNumericSortField("length", SortField.Type.LONG));
    WriteOptions options =
        WriteOptions.defaults()
            .writerConfig(config -> config.setIndexSort(byLength).setSoftDeletesField("deleted"))
            .fields((source, document) ->
                document.add(new LongField("length", source.text().length(), Field.Store.NO)));

    try (EmbeddingEngine engine = EmbeddingEngine.builder().model("starter").open();
        Directory directory = FSDirectory.open(index);
        HybridIndexer indexer = HybridIndexer.open(directory, engine, options);
        HybridSearcher searcher = HybridSearcher.open(indexer, engine)) {
      try (DocumentSource source = BeirReader.corpus(corpus)) {
        System.out.println(indexer.indexAll(source, progress -> {}).added() + " added");
      }
      long deleted = indexer.delete(LongField.newRangeQuery("length", 320, Long.MAX_VALUE));
      System.out.println(deleted + " deleted");

      // Any Lucene query filters: here passages of fewer than 300 characters.
      boolean unused = searcher.refresh();
      HybridQuery query =
          HybridQuery.of("insects whose home is made of chewed timber")
              .filter(LongField.newRangeQuery("length", 0, 299))
              .top(3);
      for (Hit hit : searcher.search(query).hits()) {
        System.out.printf("%d. %s  %d characters%n", hit.rank(), hit.id(), hit.text().length());
      }
      System.out.println(searcher.documents() + " left");
    } // Closing the indexer commits.
  }
}
