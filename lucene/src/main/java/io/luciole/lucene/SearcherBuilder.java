package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.EmbeddingEngine;
import io.luciole.model.ModelFingerprint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.search.Query;
import org.apache.lucene.store.Directory;
import org.apache.lucene.util.IOUtils;
import org.jspecify.annotations.Nullable;

/**
 * Opens a {@link HybridSearcher} over an index of the application's; see {@link
 * HybridSearcher#over(IndexSearcher)}. Says which fields are searched ({@link #schema} or {@link
 * #vectors}; without either the commit's {@link CommitMark} says it), who embeds queries, and on
 * which threads searches run. Not safe for use by several threads.
 *
 * <pre>{@code
 * HybridSearcher hybrid = HybridSearcher.over(searcherManager)
 *     .vectors(VectorFields.builder(1024, true).build())
 *     .words("body", analyzer)
 *     .idField("isbn")
 *     .engine(engine)
 *     .open();
 * }</pre>
 */
public final class SearcherBuilder {
  private final Object place;
  private final SearcherOrigin origin;
  private @Nullable HybridSchema schema;
  private @Nullable VectorFields vectors;
  private @Nullable Query documents;
  private @Nullable String words;
  private @Nullable Analyzer analyzer;
  private @Nullable String id;
  private Optional<String> title = Optional.empty();
  private Optional<String> text = Optional.empty();
  private @Nullable QueryEmbedder embedder;
  private @Nullable Executor executor;

  /**
   * Creates a builder.
   *
   * @param place where the index is, for people
   */
  SearcherBuilder(Object place, SearcherOrigin origin) {
    this.place = place instanceof Directory of ? IndexProblems.place(of) : place;
    this.origin = origin;
  }

  /**
   * Opens the indexes of folders, which bear the marks of their schema and model, as one.
   *
   * @param folders at least one, of an index or of shards with a {@link ShardManifest}
   */
  static HybridSearcher openFolders(List<Path> folders, @Nullable EmbeddingEngine engine) {
    List<Path> indexes = ShardManifest.expand(folders);
    List<Directory> directories = new ArrayList<>();
    boolean opened = false;
    try {
      for (Path index : indexes) {
        directories.add(IndexFolder.existing(index));
      }
      SearcherBuilder builder =
          indexes.size() == 1
              ? new SearcherBuilder(
                  indexes.get(0),
                  new SearcherOrigin.OfDirectory(directories.get(0), directories.get(0)))
              : new SearcherBuilder(
                  folders.size() == 1 ? folders.get(0) : folders,
                  new SearcherOrigin.OfShards(indexes, directories));
      if (engine != null) {
        builder.engine(engine);
      }
      HybridSearcher searcher = builder.open();
      opened = true;
      return searcher;
    } catch (IOException e) {
      throw IndexProblems.unreadable(folders, e);
    } finally {
      if (!opened) {
        IOUtils.closeWhileHandlingException(directories);
      }
    }
  }

  /**
   * Says that the index has the fields of a schema, as {@link SchemaFields} describes them.
   *
   * @param schema the schema
   * @return this builder
   */
  public SearcherBuilder schema(HybridSchema schema) {
    this.schema = requireNonNull(schema, "schema");
    return this;
  }

  /**
   * Says in which fields the index has its vectors. Without {@link #words} it is then searched by
   * vectors alone, and without {@link #title} and {@link #text} hits have neither.
   *
   * @param fields the fields
   * @return this builder
   */
  public SearcherBuilder vectors(VectorFields fields) {
    this.vectors = requireNonNull(fields, "fields");
    return this;
  }

  /**
   * Says that the vectors are those of passages, which are written in blocks as Lucene's block join
   * has them: passages first, their document last. Documents are then found by their best passage.
   * Ids, words, shown fields, and what filters match, are those of documents.
   *
   * @param documents finds the documents, and none of the passages; with a writer's parent field,
   *     {@code new FieldExistsQuery(parentField)}
   * @return this builder
   */
  public SearcherBuilder documents(Query documents) {
    this.documents = requireNonNull(documents, "documents");
    return this;
  }

  /**
   * Says which field the leg {@link Leg#BM25} searches. The score is by the similarity of the
   * searcher that is given, or of Lucene's default for a directory or a reader.
   *
   * @param field an indexed field of words with their frequencies
   * @param analyzer cuts queries into words as the index has them; it stays the caller's to close
   * @return this builder
   */
  public SearcherBuilder words(String field, Analyzer analyzer) {
    this.words = requireNonNull(field, "field");
    this.analyzer = requireNonNull(analyzer, "analyzer");
    return this;
  }

  /**
   * Says which field has the documents' ids ({@link Hit#id}): one with doc values of any type, or
   * else a stored one. {@code id} by default.
   *
   * @param field the field
   * @return this builder
   */
  public SearcherBuilder idField(String field) {
    this.id = requireNonNull(field, "field");
    return this;
  }

  /**
   * Says which stored field hits show as their title.
   *
   * @param storedField the field
   * @return this builder
   */
  public SearcherBuilder title(String storedField) {
    this.title = Optional.of(storedField);
    return this;
  }

  /**
   * Says which stored field hits show as their text.
   *
   * @param storedField the field
   * @return this builder
   */
  public SearcherBuilder text(String storedField) {
    this.text = Optional.of(storedField);
    return this;
  }

  /**
   * Has an engine embed queries. Without an engine or {@link #embedder} the index is searched by
   * BM25, and by the vectors that a {@link HybridQuery#embedding} brings.
   *
   * @param engine the engine; it stays the caller's to close
   * @return this builder
   */
  public SearcherBuilder engine(EmbeddingEngine engine) {
    return embedder(QueryEmbedder.of(engine));
  }

  /**
   * Has something else embed queries.
   *
   * @param embedder embeds queries
   * @return this builder
   */
  public SearcherBuilder embedder(QueryEmbedder embedder) {
    this.embedder = requireNonNull(embedder, "embedder");
    return this;
  }

  /**
   * Sets the threads on which the legs of a search run beside the caller's. By default those of the
   * searcher that is given, if it has any; for a directory or a reader as many of our own as there
   * are processors.
   *
   * @param executor the threads; they stay the caller's to close
   * @return this builder
   */
  public SearcherBuilder executor(Executor executor) {
    this.executor = requireNonNull(executor, "executor");
    return this;
  }

  /**
   * Opens the searcher.
   *
   * @return the searcher; closing it leaves open what was given
   * @throws IllegalArgumentException if both a schema and vectors were given, or documents without
   *     vectors
   * @throws IndexException if the index cannot be read, bears the mark of another schema or model,
   *     or bears none and neither a schema nor vectors were given
   */
  public HybridSearcher open() {
    LuceneRange.FIELDS.require();
    if (schema != null && vectors != null) {
      throw new IllegalArgumentException("expected a schema or vectors, got both");
    }
    if (documents != null && vectors == null) {
      throw new IllegalArgumentException(
          "expected vectors, of whose passages documents(…) tells the documents; a schema knows"
              + " them itself");
    }
    try {
      return open(origin.mark(place));
    } catch (IOException e) {
      throw IndexProblems.unreadable(place, e);
    }
  }

  private HybridSearcher open(Optional<CommitMark> mark) throws IOException {
    HybridSchema of = schema == null && vectors == null ? schemaOf(mark) : schema;
    if (schema != null && mark.isPresent() && !mark.get().schema().equals(schema)) {
      throw new IndexException(
          "The index "
              + place
              + " has the schema that is given except for "
              + Differences.between(mark.get().schema(), schema)
              + ". Leave the schema to the index, or index anew.");
    }
    Optional<ModelFingerprint> ofIndex = mark.map(CommitMark::fingerprint);
    Optional<ModelFingerprint> ofEmbedder =
        Optional.ofNullable(embedder).flatMap(QueryEmbedder::fingerprint);
    ofEmbedder.ifPresent(
        model -> mark.ifPresent(marked -> marked.requireModelOfQueries(place, model)));
    IndexLayout layout = layout(of);
    SearcherSource source =
        origin.open(
            new SearcherOrigin.Opening(
                place, executor, of, ofIndex.orElse(null), ofEmbedder.orElse(null)));
    return new HybridSearcher(
        place,
        source,
        of,
        ofIndex.or(() -> ofEmbedder).orElse(null),
        new SearchRun.Context(layout, embedder, source.threads()));
  }

  private HybridSchema schemaOf(Optional<CommitMark> mark) {
    return mark.map(CommitMark::schema)
        .orElseThrow(() ->
            new IndexException(
                "The index "
                    + place
                    + " is a Lucene index that something else wrote: expected a mark of Luciole's in"
                    + " its commit (CommitMark), found none. Name its fields by"
                    + " HybridSearcher.over(…).schema or vectors."));
  }

  private IndexLayout layout(@Nullable HybridSchema of) {
    IndexLayout usual =
        of != null
            ? IndexLayout.of(of)
            : new IndexLayout(
                requireNonNull(vectors), null, SchemaFields.ID, IndexLayout.Shown.NONE, documents);
    return new IndexLayout(
        usual.vectors(),
        words != null && analyzer != null
            ? new IndexLayout.Words(words, analyzer, null, usual.whole())
            : usual.words(),
        id != null ? id : usual.id(),
        new IndexLayout.Shown(
            title.or(usual.shown()::title), text.or(usual.shown()::text), usual.shown().metadata()),
        usual.whole());
  }
}
