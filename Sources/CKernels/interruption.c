#define _GNU_SOURCE
#include "interruption.h"

#include <signal.h>

static volatile sig_atomic_t interrupted;

static void note(int number) {
  (void)number;
  interrupted = 1;
}

void saker_watch_interruption(void) {
  // Only what is allowed inside a signal handler; the handler goes after one use.
  struct sigaction action = {0};
  action.sa_handler = note;
  action.sa_flags = SA_RESTART | SA_RESETHAND;
  sigemptyset(&action.sa_mask);
  interrupted = 0;
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  // Whoever started us may have left them blocked, as thread pools do.
  sigset_t both;
  sigemptyset(&both);
  sigaddset(&both, SIGINT);
  sigaddset(&both, SIGTERM);
  pthread_sigmask(SIG_UNBLOCK, &both, NULL);
}

void saker_forget_interruption(void) {
  interrupted = 0;
  signal(SIGINT, SIG_DFL);
  signal(SIGTERM, SIG_DFL);
}

int saker_is_interrupted(void) { return interrupted != 0; }
