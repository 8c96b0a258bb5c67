#pragma once

/// The commit that this program was built from, with a `+` behind it if files differed from that
/// commit; "unknown" if nobody told it.
const char *saker_source_commit(void);
