package io.luciole.lucene;

import java.util.HashSet;
import java.util.Set;
import java.util.function.BiConsumer;
import org.apache.lucene.document.Document;
import org.apache.lucene.index.IndexableField;
import org.apache.lucene.index.LiveIndexWriterConfig;

/** Adds the application's own fields to Lucene documents ({@link WriteOptions#fields}). */
final class OwnFields {
  private static final Set<String> SCHEMA =
      Set.of(
          SchemaFields.ID,
          SchemaFields.TITLE,
          SchemaFields.TEXT,
          SchemaFields.WORDS,
          SchemaFields.TITLE_WORDS,
          SchemaFields.DENSE,
          SchemaFields.SPARSE,
          SchemaFields.SPARSE_EXACT,
          SchemaFields.COLBERT,
          SchemaFields.METADATA,
          SchemaFields.METADATA_TERMS,
          SchemaFields.DOCUMENT,
          SchemaFields.PASSAGE,
          SchemaFields.PARENT);

  private final BiConsumer<SourceDocument, Document> adder;
  private final Set<String> taken;

  /**
   * Creates an adder.
   *
   * @param adder the application's
   * @param config the writer's, which takes names for its own fields
   */
  OwnFields(BiConsumer<SourceDocument, Document> adder, LiveIndexWriterConfig config) {
    this.adder = adder;
    this.taken = new HashSet<>(SCHEMA);
    if (config.getParentField() != null) {
      taken.add(config.getParentField());
    }
    if (config.getSoftDeletesField() != null) {
      taken.add(config.getSoftDeletesField());
    }
  }

  /**
   * Adds the fields.
   *
   * @param source the document
   * @param whole its Lucene document, without those of passages
   * @throws IllegalArgumentException if a field has a name that is taken
   * @throws OwnFailure if the application's adder throws anything
   */
  void addTo(SourceDocument source, Document whole) {
    Document own = new Document();
    try {
      adder.accept(source, own);
    } catch (Throwable t) {
      throw new OwnFailure(t);
    }
    for (IndexableField field : own) {
      if (taken.contains(field.name()) || field.name().startsWith(SchemaFields.METADATA_PREFIX)) {
        throw new IllegalArgumentException(
            "expected a field of the application's own, got \""
                + field.name()
                + "\", which the index uses itself: take another name");
      }
      whole.add(field);
    }
  }
}
