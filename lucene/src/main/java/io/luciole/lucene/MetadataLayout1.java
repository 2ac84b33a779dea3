package io.luciole.lucene;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.apache.lucene.analysis.miscellaneous.EmptyTokenStream;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.FieldType;
import org.apache.lucene.document.StoredField;
import org.apache.lucene.document.StringField;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.TermInSetQuery;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.util.BytesRef;

/**
 * Metadata as indexes of layout 1 have it: every value is text, and an array or object is its JSON.
 * The field {@link SchemaFields#METADATA} holds both the stored JSON and a term for each value:
 * name, a zero, value. A term of more than 256 bytes was left out, so that its value cannot be
 * found.
 */
final class MetadataLayout1 extends MetadataLayout {
  static final int VERSION = 1;

  private static final int MAX_TERM = 256;

  private static final FieldType NO_TERMS_TYPE = new FieldType(StringField.TYPE_NOT_STORED);

  static {
    NO_TERMS_TYPE.setTokenized(true);
    NO_TERMS_TYPE.freeze();
  }

  MetadataLayout1(Map<String, MetadataType> types) {
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
    Map<String, String> texts = new LinkedHashMap<>();
    metadata.asMap().forEach((name, value) -> texts.put(name, MetadataValues.text(value)));
    document.add(new StoredField(SchemaFields.METADATA, Metadata.write(texts)));
    // A document without a term too needs a field that is indexed: Lucene refuses an index in
    // which a field is stored only in one document and indexed in another.
    document.add(new Field(SchemaFields.METADATA, new EmptyTokenStream(), NO_TERMS_TYPE));
    texts.forEach((name, text) -> {
      BytesRef term = term(name, text);
      if (term.length <= MAX_TERM) {
        document.add(new StringField(SchemaFields.METADATA, term, Field.Store.NO));
      }
      metadata
          .all(name)
          .forEach(value ->
              typed(name)
                  .filter(typed -> !typed.isMissing(value))
                  .ifPresent(typed -> typed.add(document, value)));
    });
  }

  /** The term of a value. The name has no zero, so two pairs never make the same term. */
  private static BytesRef term(String name, String text) {
    return new BytesRef((name + '\0' + text).getBytes(StandardCharsets.UTF_8));
  }

  @Override
  Query anyOf(String name, Collection<?> values) {
    for (Object value : values) {
      if (term(name, MetadataValues.text(value)).length > MAX_TERM) {
        throw unknown("values of more than " + MAX_TERM + " bytes", name);
      }
    }
    return terms(name, values);
  }

  /** Documents with the term of any of the values. */
  static Query terms(String name, Collection<?> values) {
    Set<BytesRef> terms = new LinkedHashSet<>();
    for (Object value : values) {
      spellings(value).forEach(text -> terms.add(term(name, text)));
    }
    return terms.size() == 1
        ? new TermQuery(new Term(SchemaFields.METADATA, terms.iterator().next()))
        : new TermInSetQuery(SchemaFields.METADATA, terms);
  }

  /** The texts that a value can have become: the command wrote 10.0 as 1E+1. */
  private static Set<String> spellings(Object value) {
    Set<String> texts = new LinkedHashSet<>();
    texts.add(MetadataValues.text(value));
    Number spelled = MetadataValues.number(value);
    if (spelled != null) {
      BigDecimal plain = MetadataValues.exact(spelled).stripTrailingZeros();
      texts.add(plain.toPlainString());
      texts.add(plain.toString());
      texts.add(plain.setScale(Math.max(1, plain.scale())).toPlainString());
    }
    return texts;
  }

  @Override
  void requireNested(String name) {
    throw unknown("fields within another", name);
  }

  @Override
  Query exists(String name) {
    return typed(name).orElseThrow(() -> unknown("exists", name)).exists();
  }

  @Override
  Query prefix(String name, String prefix) {
    throw unknown("prefix", name);
  }

  @Override
  Query strings(String name, StringMatches strings) {
    throw unknown("ranges and parts of strings", name);
  }

  @Override
  Query range(String name, MetadataBounds bounds) {
    throw unknown("ranges", name);
  }

  private static IllegalArgumentException unknown(String what, String name) {
    return new IllegalArgumentException(
        "the index was made with layout 1, which does not know "
            + what
            + " in the field \""
            + name
            + "\" without a type; index the documents anew, into a new folder");
  }
}
