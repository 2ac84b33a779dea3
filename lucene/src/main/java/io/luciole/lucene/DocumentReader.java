package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.internal.Surrogates;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.apache.lucene.document.Document;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.index.StoredFields;
import org.apache.lucene.search.FieldDoc;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.Sort;
import org.apache.lucene.search.SortField;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.util.BytesRef;

/**
 * Reads documents back as they were put, without a query: one by its id, pages in the order of the
 * ids, or all. For indexes of a {@link HybridSchema}. Safe for use by many threads; each method
 * reads the newest view of its searcher.
 */
public final class DocumentReader {
  private final HybridSearcher searcher;
  private final IndexLayout.Shown shown;

  /**
   * Creates a reader.
   *
   * @param searcher the searcher whose index is read; it stays the caller's to close
   * @throws IllegalStateException if the searcher has no schema
   */
  public DocumentReader(HybridSearcher searcher) {
    this.searcher = requireNonNull(searcher, "searcher");
    this.shown = IndexLayout.of(searcher.schema()).shown();
  }

  /** {@return a filter that all documents pass} */
  public static Query all() {
    return LegQueries.everything();
  }

  /**
   * Reads a document.
   *
   * @param id its id
   * @return the document; empty if there is none
   * @throws IndexException if the index cannot be read
   */
  public Optional<SourceDocument> find(String id) {
    if (Surrogates.halfAt(requireNonNull(id, "id")) >= 0) {
      return Optional.empty();
    }
    Query query = whole(new TermQuery(DocumentIds.term(id)));
    return searcher.read(lucene -> {
      List<SourceDocument> found = new ArrayList<>(1);
      visit(lucene, query, found::add);
      return found.stream().findFirst();
    });
  }

  /**
   * Reads a page of the documents that pass a filter, in the order of their ids (of the bytes in
   * UTF-8). A page depends on nothing but the last id of the page before, so that a document that
   * is there all the time is read once, however the index changes between the pages.
   *
   * @param after the last id of the page before, or an empty string for the first page
   * @param limit how many documents to read at most, at least 1
   * @param filter the filter, such as {@link #all} or one of {@link MetadataFilters}
   * @return the documents; fewer than the limit if these are the last
   * @throws IllegalArgumentException if the limit is below 1
   * @throws IndexException if the index cannot be read
   */
  public List<SourceDocument> list(String after, int limit, Query filter) {
    requireNonNull(after, "after");
    if (limit < 1) {
      throw new IllegalArgumentException("limit must be at least 1, got " + limit);
    }
    Query query = whole(requireNonNull(filter, "filter"));
    return searcher.read(lucene -> page(lucene, after, limit, query));
  }

  private List<SourceDocument> page(IndexSearcher lucene, String after, int limit, Query query)
      throws IOException {
    IndexReader reader = lucene.getIndexReader();
    if (reader.maxDoc() == 0) {
      return List.of();
    }
    Sort byId = new Sort(new SortField(SchemaFields.ID, SortField.Type.STRING_VAL));
    // An id is one document's, so the number of the last one decides nothing.
    ScoreDoc last =
        after.isEmpty()
            ? null
            : new FieldDoc(reader.maxDoc() - 1, Float.NaN, new Object[] {DocumentIds.bytes(after)});
    ScoreDoc[] found =
        lucene.searchAfter(last, LiveReader.live(reader, query), limit, byId).scoreDocs;
    List<SourceDocument> documents = new ArrayList<>(found.length);
    StoredFields stored = reader.storedFields();
    for (ScoreDoc hit : found) {
      BytesRef id = (BytesRef) requireNonNull(((FieldDoc) hit).fields[0]);
      documents.add(read(stored, hit.doc, id.utf8ToString()));
    }
    return documents;
  }

  /**
   * Reads all documents that pass a filter, as of one moment, in the order of the index.
   *
   * @param filter the filter, such as {@link #all}
   * @param action is given each document, on the calling thread; what it throws ends the reading
   * @throws IndexException if the index cannot be read
   */
  public void forEach(Query filter, Consumer<SourceDocument> action) {
    requireNonNull(action, "action");
    Query query = whole(requireNonNull(filter, "filter"));
    boolean unused =
        searcher.read(lucene -> {
          visit(lucene, query, action);
          return true;
        });
  }

  private void visit(IndexSearcher lucene, Query query, Consumer<SourceDocument> action)
      throws IOException {
    LiveReader.visit(
        lucene,
        query,
        leaf -> {
          DocumentIds ids = DocumentIds.open(leaf, SchemaFields.ID);
          StoredFields stored = leaf.reader().storedFields();
          return doc -> {
            String id = ids.of(doc);
            if (id != null) {
              action.accept(read(stored, doc, id));
            }
          };
        });
  }

  private Query whole(Query filter) {
    return searcher.queries().whole(filter);
  }

  private SourceDocument read(StoredFields stored, int doc, String id) throws IOException {
    Document fields = stored.document(doc, shown.fields());
    return new SourceDocument(
        id, shown.titleOf(fields), shown.textOf(fields), shown.metadataOf(fields, id));
  }
}
