package io.luciole;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class AnticipationTest {
  private static final long RUN = 1_000_000;
  private static final long WINDOW = RUN / Anticipation.SHARE;
  private static final long FIRST = RUN / Anticipation.FIRST;
  private static final long PAUSE = RUN / Anticipation.PAUSE;

  private final Anticipation anticipation = new Anticipation();
  private long now;

  /** Runs that each answer so many callers, of whom so many come back in time. */
  private void runs(int times, int answered, int back) {
    for (int i = 0; i < times; i++) {
      now += RUN;
      anticipation.ran(answered, RUN, now);
      anticipation.came(back, now + FIRST);
      anticipation.came(answered, now + FIRST + PAUSE + 1); // too late to count
    }
    now += RUN;
    anticipation.ran(answered, RUN, now);
  }

  @Test
  void callersWhoComeBack_areWaitedForUntilAllHave() {
    runs(20, 8, 8);

    assertThat(anticipation.nanosLeft(now)).isEqualTo(FIRST);
    assertThat(anticipation.nanosLeft(now + 1000)).isEqualTo(FIRST - 1000);
    anticipation.came(5, now);
    assertThat(anticipation.nanosLeft(now)).isEqualTo(FIRST);
    anticipation.came(3, now);
    assertThat(anticipation.nanosLeft(now)).isZero();
  }

  @Test
  void callersWhoComeOneAfterAnother_areWaitedForLonger_untilOneStaysAway() {
    runs(20, 8, 8);

    now += FIRST;
    anticipation.came(1, now);
    assertThat(anticipation.nanosLeft(now)).isEqualTo(PAUSE);
    now += PAUSE - 1;
    anticipation.came(1, now);
    assertThat(anticipation.nanosLeft(now)).isEqualTo(PAUSE);
    assertThat(anticipation.nanosLeft(now + PAUSE)).isNotPositive();
    now += PAUSE - 1;
    anticipation.came(1, now); // nearly all of the time has passed
    assertThat(anticipation.nanosLeft(now)).isEqualTo(2);
  }

  @Test
  void callersWhoAreLate_areNotWaitedForLonger() {
    runs(20, 8, 8);

    assertThat(anticipation.nanosLeft(now + FIRST)).isNotPositive();
    anticipation.came(7, now + WINDOW);
    assertThat(anticipation.nanosLeft(now + WINDOW)).isNotPositive();
    now += 100 * RUN;
    anticipation.ran(8, 100 * RUN, now);
    assertThat(anticipation.nanosLeft(now)).isEqualTo(Anticipation.LONGEST);
  }

  @Test
  void callersWhoAreAllLate_areNotExpectedAnyMore() {
    runs(20, 8, 8);
    for (int i = 0; i < 20; i++) {
      now += RUN;
      anticipation.ran(8, RUN, now);
      anticipation.came(8, now + FIRST + 1); // within the time that all have, after nobody came
      assertThat(anticipation.nanosLeft(now + FIRST + 1)).isNotPositive();
    }
    now += RUN;
    anticipation.ran(8, RUN, now);
    assertThat(anticipation.nanosLeft(now)).isZero();
  }

  @Test
  void callersWhoDoNotComeBack_areNotWaitedFor() {
    assertThat(anticipation.nanosLeft(now)).isZero();
    runs(20, 8, 5); // as many as others send in the same time
    assertThat(anticipation.nanosLeft(now)).isZero();

    runs(20, 8, 8);
    assertThat(anticipation.nanosLeft(now)).isPositive();
    runs(3, 8, 0);
    assertThat(anticipation.nanosLeft(now)).isZero();
  }

  @Test
  void bulkRuns_areNotExpectedBack_andTeachNothing() {
    runs(20, 8, 8);
    runs(20, 0, 0);

    assertThat(anticipation.nanosLeft(now)).isZero();
    anticipation.ran(8, RUN, now);
    assertThat(anticipation.nanosLeft(now)).isPositive();
  }
}
