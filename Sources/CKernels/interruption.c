#define _GNU_SOURCE
#include "interruption.h"

#include <signal.h>

// What asks a run to end in good order. SIGHUP is the last: a terminal that is closed, unless
// nohup had it ignored.
static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
enum { COUNT = sizeof signals / sizeof *signals };

static volatile sig_atomic_t interrupted;

static void note(int number) {
  (void)number;
  interrupted = 1;
}

// Whoever started us with SIGHUP ignored wants us to go on without a terminal.
static int is_left_alone(int number) {
  struct sigaction now;
  return number == SIGHUP && sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

void saker_watch_interruption(void) {
  // Only what is allowed inside a signal handler; the handler goes after one use.
  struct sigaction action = {0};
  action.sa_handler = note;
  action.sa_flags = SA_RESTART | SA_RESETHAND;
  sigemptyset(&action.sa_mask);
  interrupted = 0;
  sigset_t watched;
  sigemptyset(&watched);
  for (int i = 0; i < COUNT; i++) {
    if (is_left_alone(signals[i])) continue;
    sigaction(signals[i], &action, NULL);
    sigaddset(&watched, signals[i]);
  }
  // Whoever started us may have left them blocked, as thread pools do.
  pthread_sigmask(SIG_UNBLOCK, &watched, NULL);
}

void saker_forget_interruption(void) {
  interrupted = 0;
  for (int i = 0; i < COUNT; i++) {
    if (!is_left_alone(signals[i])) signal(signals[i], SIG_DFL);
  }
}

int saker_is_interrupted(void) { return interrupted != 0; }
