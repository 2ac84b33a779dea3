package io.luciole.server;

import io.luciole.Key;
import io.luciole.ValueParser;
import io.luciole.lucene.DenseQuantization;
import io.luciole.lucene.IndexKeys;
import io.luciole.lucene.MetadataType;
import io.luciole.lucene.MultiVectorForm;
import io.luciole.lucene.SparseForm;
import io.luciole.lucene.SparseWeights;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The server's settings of indexes and documents; {@link IndexSettings} has their values. */
public final class ServedIndexKeys {
  /** The index's folder. */
  public static final Key<Optional<Path>> INDEX =
      Key.optional(
          "luciole.server.index",
          ValueParser.path(),
          "no index",
          "The folder of the default index, which the server searches and writes. It is made if it"
              + " does not exist.");

  /** The folder of named indexes. */
  public static final Key<Optional<Path>> INDEXES =
      Key.optional(
          "luciole.server.indexes",
          ValueParser.path(),
          "no named indexes",
          "A folder whose folders are indexes, served under `/v1/indexes/NAME`; `PUT` makes one. The"
              + " one that is called `default` is the default index unless `server.index` names"
              + " another.");

  /** How a new index keeps sparse weights. */
  public static final Key<Optional<SparseForm>> SPARSE_FORM =
      Key.optional(
          "luciole.server.sparse-form",
          ValueParser.oneOf("impacts", "blocks", "features").map(SparseForm::parse),
          "impacts",
          "How a new index keeps sparse weights: `impacts`; `blocks`, which are found faster, and need"
              + " luciole-lucene in whatever reads the index; or `features` for other programs that"
              + " search it with Lucene's `FeatureField`. An index that exists must have this form.");

  /** How exactly a new index keeps sparse weights. */
  public static final Key<Optional<SparseWeights>> SPARSE_WEIGHTS =
      Key.optional(
          "luciole.server.sparse-weights",
          ValueParser.oneOf("exact", "12bit", "10bit", "8bit").map(SparseWeights::parse),
          "exact",
          "How exactly a new index keeps sparse weights: `exact`, as floats beside the postings; or"
              + " `12bit`, `10bit` or `8bit`, in the postings alone, which take a third of the room.");

  /** The types of a new index's metadata fields, by name. */
  public static final Key<Optional<Map<String, MetadataType>>> METADATA =
      Key.optional(
          "luciole.server.metadata",
          IndexKeys.fieldTypes(),
          "no field has a type",
          "The types of a new index's metadata fields, such as `year=long,lang=keyword`: `keyword`,"
              + " `long`, `double`, `boolean` or `date`. An index that exists must have these"
              + " types.");

  /** The analyzer of a new index. */
  public static final Key<Optional<String>> ANALYZER =
      Key.optional(
          "luciole.server.analyzer",
          ValueParser.text(),
          "multilingual",
          "How a new index cuts words: `multilingual` (beginnings of words, any language),"
              + " `standard` (whole words, any language), or a language such as `en` or `de`.");

  /** The most tokens of a passage. */
  public static final Key<Optional<Integer>> PASSAGE_TOKENS =
      Key.optional(
          "luciole.server.passage-tokens",
          ValueParser.positive(),
          "texts are kept whole",
          "Has a new index cut long texts into passages of at most so many tokens, each with vectors"
              + " of its own.");

  /** The tokens that passages share. */
  public static final Key<Optional<Integer>> PASSAGE_OVERLAP =
      Key.optional(
          "luciole.server.passage-overlap",
          ValueParser.of("a whole number, 0 or more", Integer::parseUnsignedInt),
          "an eighth of the passage",
          "How many tokens a passage repeats of the one before.");

  /** How a new index searches dense vectors. */
  public static final Key<Optional<DenseQuantization>> QUANTIZATION =
      Key.optional(
          "luciole.server.quantization",
          ValueParser.oneOf("none", "8bit", "4bit", "1bit", "8bit-only")
              .map(DenseQuantization::parse),
          "none",
          "How a new index quantises the dense vectors that it searches: `none`, `8bit`, `4bit` or"
              + " `1bit`, with floats beside them to rescore by; or `8bit-only`, without floats, in a"
              + " fifth of the room.");

  /** How a new index keeps token vectors. */
  public static final Key<Optional<MultiVectorForm>> COLBERT =
      Key.optional(
          "luciole.server.colbert",
          ValueParser.oneOf("int8", "float32", "residual2").map(MultiVectorForm::parse),
          "not kept",
          "How a new index keeps token vectors, to rerank by them: `int8`; `float32`; or `residual2`,"
              + " which takes a quarter of the room of `int8`, and needs luciole-lucene in whatever"
              + " reads the index.");

  /** The time between commits. */
  public static final Key<Duration> COMMIT_EVERY =
      Key.of(
          "luciole.server.commit-every",
          ValueParser.duration(),
          "10s",
          "The time after which documents that were written are made durable, which is what a crash"
              + " can lose at most.");

  /** The number of changes between commits. */
  public static final Key<Integer> COMMIT_AFTER =
      Key.of(
          "luciole.server.commit-after",
          ValueParser.positive(),
          "10000",
          "The number of documents written or deleted after which a commit does not wait for that"
              + " time.");

  /** The free space below which no documents are taken. */
  public static final Key<Long> MIN_DISK =
      Key.of(
          "luciole.server.min-disk",
          ValueParser.size(),
          "16m",
          "The bytes that must be free on an index's disk for documents to be taken, so that what was"
              + " taken can be committed and segments be merged; `1` takes them until the disk is"
              + " full.");

  /** Most characters of a title. */
  public static final Key<Integer> MAX_TITLE =
      Key.of(
          "luciole.server.max-title",
          ValueParser.positive(),
          "10000",
          "The largest number of characters of a document's title.");

  /** Most metadata values of a document. */
  public static final Key<Integer> MAX_VALUES =
      Key.of(
          "luciole.server.max-metadata-values",
          ValueParser.positive(),
          "10000",
          "The largest number of metadata values of a document; those in arrays and objects are"
              + " counted each.");

  /** Most characters of a document. */
  public static final Key<Integer> MAX_DOCUMENT =
      Key.of(
          "luciole.server.max-document",
          ValueParser.positive(),
          "1000000",
          "The largest number of characters of a document as JSON, with title, text and metadata.");

  static final List<Key<?>> ALL =
      List.of(
          INDEX,
          INDEXES,
          SPARSE_FORM,
          SPARSE_WEIGHTS,
          METADATA,
          ANALYZER,
          PASSAGE_TOKENS,
          PASSAGE_OVERLAP,
          QUANTIZATION,
          COLBERT,
          COMMIT_EVERY,
          COMMIT_AFTER,
          MIN_DISK,
          MAX_TITLE,
          MAX_VALUES,
          MAX_DOCUMENT);

  private ServedIndexKeys() {}
}
