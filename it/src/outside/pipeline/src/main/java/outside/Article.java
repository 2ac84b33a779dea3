package outside;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * An article of a shop.
 *
 * @param sku its number in the shop
 * @param paragraphs its description
 * @param genre what it is counted by
 * @param price in cents
 */
record Article(String sku, List<String> paragraphs, String genre, long price) {
  private static final List<String> GENRES = List.of("crime", "science", "adventure");
  private static final List<String> WHO =
      List.of("A detective", "A botanist", "Two sisters", "A ship's cook", "An old king");
  private static final List<String> DOES =
      List.of("looks for", "writes about", "dreams of", "is afraid of", "collects");
  private static final List<String> WHAT =
      List.of("glowing beetles", "a lost library", "the deep sea", "train timetables", "bread", "wild horses");
  private static final List<String> WHERE =
      List.of("in Lisbon", "on an island", "during a long winter", "in the year 1912");

  String text() {
    return String.join("\n", paragraphs);
  }

  /** The same article with another description and price. */
  Article changed(Random random) {
    return made(sku, random);
  }

  /** Articles that are made up, with one to three paragraphs each. */
  static List<Article> shelf(int count, Random random) {
    List<Article> articles = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      articles.add(made("sku-" + i, random));
    }
    return articles;
  }

  private static Article made(String sku, Random random) {
    List<String> paragraphs = new ArrayList<>();
    for (int p = random.nextInt(3); p >= 0; p--) {
      paragraphs.add(
          String.join(" ", pick(WHO, random), pick(DOES, random), pick(WHAT, random), pick(WHERE, random)) + ".");
    }
    return new Article(sku, paragraphs, pick(GENRES, random), random.nextLong(500, 4_500));
  }

  private static String pick(List<String> of, Random random) {
    return of.get(random.nextInt(of.size()));
  }
}
