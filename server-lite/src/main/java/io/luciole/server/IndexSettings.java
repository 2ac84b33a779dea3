package io.luciole.server;

import static java.util.Objects.requireNonNull;

import io.luciole.LucioleConfig;
import io.luciole.lucene.DenseQuantization;
import io.luciole.lucene.MetadataType;
import io.luciole.lucene.MultiVectorForm;
import io.luciole.lucene.SparseForm;
import io.luciole.lucene.SparseWeights;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * Which indexes a server has, what new ones keep, and how documents are written: settings of {@link
 * ServedIndexKeys}. Immutable.
 *
 * @param index the folder of the default index, if there is to be one
 * @param folder a folder whose folders are indexes with their names, if there is to be one
 * @param fields what a new index keeps
 * @param commitEvery the time after which what was written is committed
 * @param commitAfter the number of changes after which a commit does not wait for that time
 * @param minDisk the bytes that must be free on an index's disk for documents to be taken
 * @param documents how large a document may be
 */
public record IndexSettings(
    Optional<Path> index,
    Optional<Path> folder,
    Fields fields,
    Duration commitEvery,
    int commitAfter,
    long minDisk,
    DocumentLimits documents) {

  /**
   * What a new index keeps beside the model's usual schema. What is set here must hold for the
   * default index, if it is there already.
   *
   * @param sparseForm how sparse weights are kept, if that is set
   * @param sparseWeights how exactly sparse weights are kept, if that is set
   * @param metadata the types of metadata fields
   * @param analyzer the name of the analyzer, if one is set
   * @param passageTokens the most tokens of a passage, if texts are to be cut into passages
   * @param passageOverlap the tokens that a passage repeats of the one before, if that is set
   * @param quantization how dense vectors are searched, if that is set
   * @param colbert how token vectors are kept, if they are to be
   */
  public record Fields(
      Optional<SparseForm> sparseForm,
      Optional<SparseWeights> sparseWeights,
      Map<String, MetadataType> metadata,
      Optional<String> analyzer,
      Optional<Integer> passageTokens,
      Optional<Integer> passageOverlap,
      Optional<DenseQuantization> quantization,
      Optional<MultiVectorForm> colbert) {
    /** Checks and copies the components. */
    public Fields {
      requireNonNull(sparseForm, "sparseForm");
      requireNonNull(sparseWeights, "sparseWeights");
      requireNonNull(analyzer, "analyzer");
      requireNonNull(passageTokens, "passageTokens");
      requireNonNull(passageOverlap, "passageOverlap");
      requireNonNull(quantization, "quantization");
      requireNonNull(colbert, "colbert");
      metadata = Map.copyOf(metadata);
    }
  }

  /**
   * How large a document may be.
   *
   * @param maxTitle most characters of a title
   * @param maxValues most metadata values, those in arrays and objects counted each
   * @param maxCharacters most characters of a document, its metadata as JSON included
   */
  public record DocumentLimits(int maxTitle, int maxValues, int maxCharacters) {}

  /** Checks the components. */
  public IndexSettings {
    requireNonNull(index, "index");
    requireNonNull(folder, "folder");
    requireNonNull(fields, "fields");
    requireNonNull(commitEvery, "commitEvery");
    requireNonNull(documents, "documents");
  }

  static IndexSettings of(LucioleConfig config) {
    return new IndexSettings(
        config.get(ServedIndexKeys.INDEX),
        config.get(ServedIndexKeys.INDEXES),
        new Fields(
            config.get(ServedIndexKeys.SPARSE_FORM),
            config.get(ServedIndexKeys.SPARSE_WEIGHTS),
            config.get(ServedIndexKeys.METADATA).orElse(Map.of()),
            config.get(ServedIndexKeys.ANALYZER),
            config.get(ServedIndexKeys.PASSAGE_TOKENS),
            config.get(ServedIndexKeys.PASSAGE_OVERLAP),
            config.get(ServedIndexKeys.QUANTIZATION),
            config.get(ServedIndexKeys.COLBERT)),
        config.get(ServedIndexKeys.COMMIT_EVERY),
        config.get(ServedIndexKeys.COMMIT_AFTER),
        config.get(ServedIndexKeys.MIN_DISK),
        new DocumentLimits(
            config.get(ServedIndexKeys.MAX_TITLE),
            config.get(ServedIndexKeys.MAX_VALUES),
            config.get(ServedIndexKeys.MAX_DOCUMENT)));
  }

  /**
   * A copy with another default index.
   *
   * @param path its folder, made if it is not there
   * @return the copy
   */
  public IndexSettings index(Path path) {
    return new IndexSettings(
        Optional.of(path), folder, fields, commitEvery, commitAfter, minDisk, documents);
  }

  /**
   * A copy with another folder of named indexes.
   *
   * @param path the folder, made if it is not there
   * @return the copy
   */
  public IndexSettings folder(Path path) {
    return new IndexSettings(
        index, Optional.of(path), fields, commitEvery, commitAfter, minDisk, documents);
  }

  /**
   * A copy with other times of commits.
   *
   * @param every the time after which what was written is committed
   * @param after the number of changes after which a commit does not wait for that time
   * @return the copy
   */
  public IndexSettings commits(Duration every, int after) {
    return new IndexSettings(index, folder, fields, every, after, minDisk, documents);
  }

  /**
   * A copy with another bound of free space.
   *
   * @param bytes the bytes that must be free on an index's disk for documents to be taken
   * @return the copy
   */
  public IndexSettings minDisk(long bytes) {
    return new IndexSettings(index, folder, fields, commitEvery, commitAfter, bytes, documents);
  }

  /**
   * A copy with other limits of documents.
   *
   * @param limits the limits
   * @return the copy
   */
  public IndexSettings documents(DocumentLimits limits) {
    return new IndexSettings(index, folder, fields, commitEvery, commitAfter, minDisk, limits);
  }
}
