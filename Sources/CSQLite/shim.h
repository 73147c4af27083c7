// What UserDatabase uses of SQLite.
#pragma once
#include <errno.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

// SQLITE_TRANSIENT, a pointer of -1, has no spelling in Swift. No bytes at an address of none are an empty text, for
// SQLite would take them for no text.
static inline int tern_sqlite_bind_text(sqlite3_stmt *statement, int index, const char *bytes, int count) {
    return sqlite3_bind_text(statement, index, bytes == NULL ? "" : bytes, count, SQLITE_TRANSIENT);
}

// Whether opening failed because there is no such file, and not for want of rights.
static inline bool tern_sqlite_is_missing(sqlite3 *connection) {
    return connection != NULL && sqlite3_system_errno(connection) == ENOENT;
}
