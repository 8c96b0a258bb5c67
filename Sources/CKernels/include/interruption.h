#pragma once

/// Notes SIGINT, SIGTERM and, unless it is ignored, SIGHUP from now on; a second one
/// ends the process.
void saker_watch_interruption(void);
/// Leaves the signals to their default again.
void saker_forget_interruption(void);
int saker_is_interrupted(void);
