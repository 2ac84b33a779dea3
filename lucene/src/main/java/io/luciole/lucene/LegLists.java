package io.luciole.lucene;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.lucene.search.ScoreDoc;

/**
 * Ranked lists of one query that come from elsewhere than a search, such as run files, to be fused
 * as a search does it. Immutable.
 */
public final class LegLists {
  private final Map<Leg, List<ScoreDoc>> hits;
  private final List<String> ids;

  private LegLists(Map<Leg, List<ScoreDoc>> hits, List<String> ids) {
    this.hits = hits;
    this.ids = ids;
  }

  /**
   * Takes over each leg's list.
   *
   * @param lists documents with the leg's own scores, best first; each document once a list
   * @return the lists
   */
  public static LegLists of(Map<Leg, List<ScoredId>> lists) {
    Map<Leg, List<ScoreDoc>> hits = new EnumMap<>(Leg.class);
    Map<String, Integer> numbers = new HashMap<>();
    List<String> ids = new ArrayList<>();
    lists.forEach((leg, list) -> {
      List<ScoreDoc> numbered = new ArrayList<>(list.size());
      for (ScoredId hit : list) {
        int number = numbers.computeIfAbsent(hit.id(), id -> ids.size());
        if (number == ids.size()) {
          ids.add(hit.id());
        }
        numbered.add(new ScoreDoc(number, (float) hit.score()));
      }
      hits.put(leg, numbered);
    });
    return new LegLists(hits, ids);
  }

  /**
   * Fuses the lists.
   *
   * @param fusion how
   * @param weights what each leg counts, 0 or more; a leg that is not named counts 0
   * @return every document of the lists, best first, with fused scores in the fusion's units; ties
   *     in the order in which the documents come in the lists
   */
  public List<ScoredId> fuse(Fusion fusion, Map<Leg, Double> weights) {
    List<LegResult> results = new ArrayList<>(hits.size());
    hits.forEach(
        (leg, list) -> results.add(new LegResult(leg, weights.getOrDefault(leg, 0.0), list)));
    return FusedList.of(fusion, results).entries().stream()
        .map(entry -> new ScoredId(ids.get(entry.doc()), entry.score()))
        .toList();
  }
}
