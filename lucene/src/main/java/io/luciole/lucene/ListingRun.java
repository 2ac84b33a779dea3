package io.luciole.lucene;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.search.TotalHits;

/**
 * The answer to a query without words: a list of the documents that match the filter, in the order
 * that an {@link Arrangement} says. Used once, by one thread.
 *
 * @param view the number of the state of the index that is listed
 */
record ListingRun(
    IndexSearcher searcher,
    long view,
    HybridQuery query,
    SearchRun.Context context,
    Arranger arranger) {
  /** Collapsed are so many documents of the list at most. */
  private static final int LONGEST = DepthSteps.LAST;

  /** Whether a query asks for a list: it has no words, but an order. */
  static boolean isAskedBy(HybridQuery query) {
    return query.text().isBlank() && !query.arrangement().sort().isEmpty();
  }

  SearchResult run() throws IOException {
    long start = System.nanoTime();
    Query documents = context.documents(searcher, query);
    long page = (long) query.offset() + query.top();
    int count = (int) Math.min(arranger.collapses() ? Math.max(page, LONGEST) : page, LONGEST);
    TopDocs found = arranger.list(searcher, documents, count, context.layout().id());
    HitBuilder builder = new HitBuilder(searcher.getIndexReader(), context);
    builder.load(List.of(found.scoreDocs));
    FusedList list = FusedList.listed(found.scoreDocs);
    List<Reranker.Ranked> ranking = arranger.arrange(searcher, Reranker.asIs(list));
    return new SearchResult(
        builder.hits(list, ranking, query, null),
        builder.scored(ranking),
        Map.of(),
        false,
        Set.of(),
        Duration.ofNanos(System.nanoTime() - start),
        Duration.ZERO,
        0,
        view,
        SearchRun.docs(ranking),
        new TotalHits(searcher.count(documents), TotalHits.Relation.EQUAL_TO),
        arranger.counts(searcher, documents));
  }
}
