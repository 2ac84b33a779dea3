package io.luciole.lucene;

import java.util.Collection;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.StoredField;
import org.apache.lucene.document.StringField;
import org.apache.lucene.search.MatchNoDocsQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.util.BytesRef;

/** Metadata as {@link SchemaFields} describes it: values with types, as {@link MetadataTerms}. */
final class MetadataLayout2 extends MetadataLayout {
  static final int VERSION = 2;

  MetadataLayout2(Map<String, MetadataType> types) {
    super(types);
  }

  @Override
  int version() {
    return VERSION;
  }

  @Override
  void add(Document document, Metadata metadata) {
    if (metadata.isEmpty()) {
      return;
    }
    document.add(new StoredField(SchemaFields.METADATA, metadata.toJson()));
    Set<BytesRef> terms = new HashSet<>();
    metadata
        .leaves()
        .forEach((name, values) -> {
          TypedField typed = typed(name).orElse(null);
          for (Object value : values) {
            if (typed != null && typed.isMissing(value)) {
              continue;
            }
            if (typed != null) {
              typed.add(document, value);
            }
            terms.add(MetadataTerms.of(name, value));
            addExists(terms, name);
          }
        });
    terms.forEach(
        term -> document.add(new StringField(SchemaFields.METADATA_TERMS, term, Field.Store.NO)));
  }

  /** Adds that there is a value of a name, and below the names that it is within. */
  private static void addExists(Set<BytesRef> terms, String name) {
    for (int end = name.length(); end > 0; end = name.lastIndexOf('.', end - 1)) {
      if (!terms.add(MetadataTerms.exists(name.substring(0, end)))) {
        return;
      }
    }
  }

  @Override
  Query anyOf(String name, Collection<?> values) {
    return MetadataTerms.anyOf(name, values);
  }

  @Override
  void requireNested(String name) {}

  @Override
  Query exists(String name) {
    return MetadataTerms.existing(name);
  }

  @Override
  Query prefix(String name, String prefix) {
    return MetadataTerms.prefix(name, prefix);
  }

  @Override
  Query strings(String name, StringMatches strings) {
    return MetadataTerms.strings(name, strings);
  }

  @Override
  Query range(String name, MetadataBounds bounds) {
    TypedField.DoubleRange range = TypedField.DoubleRange.of(name, bounds);
    return range.isEmpty()
        ? new MatchNoDocsQuery("no number is " + bounds)
        : MetadataTerms.range(name, range);
  }
}
