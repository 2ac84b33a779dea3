package io.luciole.lucene;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.lucene.document.Document;
import org.apache.lucene.index.BinaryDocValues;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.ReaderUtil;
import org.apache.lucene.index.StoredFields;
import org.apache.lucene.search.ScoreDoc;

/** Turns Lucene's document numbers into what people know. For one thread and one view. */
final class Resolver {
  private static final Set<String> SHOWN =
      Set.of(SchemaFields.TITLE, SchemaFields.TEXT, SchemaFields.METADATA);

  private final IndexReader reader;
  private final Map<Integer, String> ids = new HashMap<>();

  Resolver(IndexReader reader) {
    this.reader = reader;
  }

  List<ScoredId> ids(List<ScoreDoc> hits) throws IOException {
    load(hits);
    List<ScoredId> scored = new ArrayList<>(hits.size());
    for (ScoreDoc hit : hits) {
      scored.add(new ScoredId(id(hit.doc), hit.score));
    }
    return scored;
  }

  /** A fused list by ids; its documents are those of the legs' lists, which are known. */
  List<ScoredId> scored(FusedList fused) {
    List<ScoredId> scored = new ArrayList<>(fused.entries().size());
    for (FusedList.Entry entry : fused.entries()) {
      scored.add(new ScoredId(id(entry.doc()), entry.score()));
    }
    return scored;
  }

  private String id(int doc) {
    String id = ids.get(doc);
    if (id == null) {
      throw new IndexException("Document " + doc + " has no id: the index is damaged.");
    }
    return id;
  }

  /** Doc values are read forwards. */
  private void load(List<ScoreDoc> hits) throws IOException {
    List<Integer> missing = new ArrayList<>();
    for (ScoreDoc hit : hits) {
      if (!ids.containsKey(hit.doc)) {
        missing.add(hit.doc);
      }
    }
    Collections.sort(missing);
    BinaryDocValues values = null;
    LeafReaderContext leaf = null;
    for (int doc : missing) {
      if (leaf == null || doc >= leaf.docBase + leaf.reader().maxDoc()) {
        leaf = reader.leaves().get(ReaderUtil.subIndex(doc, reader.leaves()));
        values = leaf.reader().getBinaryDocValues(SchemaFields.ID);
      }
      if (values != null && values.advanceExact(doc - leaf.docBase)) {
        ids.put(doc, values.binaryValue().utf8ToString());
      }
    }
  }

  List<Hit> hits(FusedList fused, int top) throws IOException {
    StoredFields stored = reader.storedFields();
    List<Hit> hits = new ArrayList<>();
    for (FusedList.Entry entry : fused.entries()) {
      if (hits.size() == top) {
        break;
      }
      Document document = stored.document(entry.doc(), SHOWN);
      String metadata = document.get(SchemaFields.METADATA);
      String title = document.get(SchemaFields.TITLE);
      String text = document.get(SchemaFields.TEXT);
      hits.add(
          new Hit(
              hits.size() + 1,
              id(entry.doc()),
              entry.score(),
              title == null ? "" : title,
              text == null ? "" : text,
              metadata == null ? Map.of() : DocumentFields.readMetadata(metadata),
              Collections.unmodifiableMap(entry.legs()),
              fused.explain(entry)));
    }
    return hits;
  }
}
