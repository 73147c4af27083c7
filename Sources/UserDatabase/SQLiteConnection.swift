import CSQLite

/// A connection to a database file, for one thread.
///
/// No statement holds a value: whatever somebody chose is bound to it, so no name can become a part of a statement.
@safe
struct SQLiteConnection: ~Copyable {
    enum Mode {
        /// Statements that would change something fail.
        case reading
        case writing
    }

    /// No text of a row that is longer is read: SQLite gives up such a row. Far above every column of coturn's.
    private static let textByteCountMax: CInt = 1 << 20

    private let handle: OpaquePointer
    let path: String

    /// Opens a file that exists. Waits `patienceMilliseconds` for other programs that write it.
    init(_ path: String, _ mode: Mode, patienceMilliseconds: CInt) throws(UserSourceError) {
        unsafe handle = try unsafe Self.open(path, mode, patienceMilliseconds)
        self.path = path
    }

    deinit { unsafe sqlite3_close_v2(handle) }

    private static func open(
        _ path: String, _ mode: Mode, _ patienceMilliseconds: CInt
    ) throws(UserSourceError) -> OpaquePointer {
        var opened: OpaquePointer?
        // For reading too: only who may write can undo the half-done change of a writer that has died, or read a file
        // in WAL mode that nobody else has open. Without the right to write SQLite opens it for reading.
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
        let status = unsafe sqlite3_open_v2(path, &opened, flags, nil)
        guard status == SQLITE_OK, let handle = unsafe opened else {
            let isMissing = unsafe tern_sqlite_is_missing(opened)
            // There is a handle even when there is no connection.
            unsafe sqlite3_close_v2(opened)
            throw isMissing ? SQLiteFailure.missing(path) : SQLiteFailure.error(status, path)
        }
        _ = unsafe sqlite3_busy_timeout(handle, patienceMilliseconds)
        _ = unsafe sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, textByteCountMax)
        // A file may hold views and triggers; they may not do more than look. Neither statement touches the file.
        _ = unsafe sqlite3_exec(handle, "PRAGMA trusted_schema = OFF", nil, nil, nil)
        if case .reading = mode { _ = unsafe sqlite3_exec(handle, "PRAGMA query_only = ON", nil, nil, nil) }
        return unsafe handle
    }

    /// Runs statements that answer nothing.
    func execute(_ statements: String) throws(UserSourceError) {
        let status = unsafe sqlite3_exec(handle, statements, nil, nil, nil)
        guard status == SQLITE_OK else { throw failure(status) }
    }

    /// Runs one statement and hands out its rows; `row` returns false when it has seen enough.
    func query(
        _ statement: String, _ values: [[UInt8]] = [], row: (borrowing SQLiteRow) -> Bool = { _ in true }
    ) throws(UserSourceError) {
        var prepared: OpaquePointer?
        var status = unsafe sqlite3_prepare_v2(handle, statement, -1, &prepared, nil)
        guard status == SQLITE_OK, let cursor = unsafe prepared else { throw failure(status) }
        defer { unsafe sqlite3_finalize(cursor) }
        for (index, value) in values.enumerated() {
            status = unsafe value.withUnsafeBufferPointer { bytes in
                unsafe bytes.withMemoryRebound(to: CChar.self) { text in
                    unsafe tern_sqlite_bind_text(cursor, CInt(index + 1), text.baseAddress, CInt(clamping: text.count))
                }
            }
            guard status == SQLITE_OK else { throw failure(status) }
        }
        while true {
            status = unsafe sqlite3_step(cursor)
            guard status == SQLITE_ROW else { break }
            guard unsafe row(SQLiteRow(cursor: cursor)) else { return }
        }
        guard status == SQLITE_DONE else { throw failure(status) }
    }

    /// The first value of the first row as a number.
    func number(_ statement: String) throws(UserSourceError) -> Int? {
        var result: Int?
        try query(statement) { row in
            result = row.integer(0)
            return false
        }
        return result
    }

    /// How many rows the last statement has changed.
    var changedRowCount: Int { Int(unsafe sqlite3_changes(handle)) }

    /// The file is not where it was opened: another one has taken its place, or none has.
    var hasMoved: Bool {
        var moved: CInt = 0
        let status = unsafe sqlite3_file_control(handle, "main", SQLITE_FCNTL_HAS_MOVED, &moved)
        return status == SQLITE_OK && moved != 0
    }

    private func failure(_ status: CInt) -> UserSourceError {
        // What no code of its own tells, such as a table that is missing, is in SQLite's words.
        let words = unsafe sqlite3_errmsg(handle).map { unsafe String(cString: $0) } ?? ""
        return SQLiteFailure.error(status, path, words: words)
    }
}

/// The row that a query is at.
@safe
struct SQLiteRow: ~Copyable {
    private let cursor: OpaquePointer

    fileprivate init(cursor: OpaquePointer) { unsafe self.cursor = unsafe cursor }

    /// A column as text, whatever its type; nil for NULL.
    func text(_ column: CInt) -> [UInt8]? {
        guard unsafe sqlite3_column_type(cursor, column) != SQLITE_NULL,
            let start = unsafe sqlite3_column_text(cursor, column)
        else { return nil }
        let count = Int(unsafe sqlite3_column_bytes(cursor, column))
        return unsafe Array(UnsafeBufferPointer(start: start, count: count))
    }

    func integer(_ column: CInt) -> Int { Int(unsafe sqlite3_column_int64(cursor, column)) }
}

/// The words for what SQLite reports.
enum SQLiteFailure {
    static func missing(_ path: String) -> UserSourceError {
        UserSourceError(.missing, "there is no \(path); 'tern users add -b \(path)' makes it")
    }

    static func error(_ status: CInt, _ path: String, words: String = "") -> UserSourceError {
        switch status & 0xFF {
        case SQLITE_BUSY, SQLITE_LOCKED:
            return UserSourceError(.busy, "\(path) is locked: another program is writing it, or has died doing so")
        case SQLITE_NOTADB:
            return UserSourceError(.unusable, "\(path) is no SQLite database")
        case SQLITE_CORRUPT:
            return UserSourceError(
                .unusable, "\(path) is damaged; 'sqlite3 \(path) .recover' saves what can be read of it")
        case SQLITE_CANTOPEN:
            return UserSourceError(
                .failed, "\(path) cannot be opened; this user must be able to reach and to read it")
        case SQLITE_READONLY:
            return UserSourceError(
                .failed, "\(path) cannot be written; this user needs the right to write it and its directory")
        case SQLITE_PERM, SQLITE_AUTH:
            return UserSourceError(.failed, "\(path): this user may not do that")
        case SQLITE_FULL: return UserSourceError(.failed, "\(path): the disk is full")
        case SQLITE_IOERR: return UserSourceError(.failed, "\(path): the disk failed (error \(status) of SQLite)")
        case SQLITE_NOMEM: return UserSourceError(.failed, "\(path): there is no memory to read it")
        case SQLITE_TOOBIG: return UserSourceError(.unusable, "\(path) holds a row of more than a megabyte; delete it")
        default: return UserSourceError(.failed, "\(path): \(words.isEmpty ? "error \(status) of SQLite" : words)")
        }
    }
}
