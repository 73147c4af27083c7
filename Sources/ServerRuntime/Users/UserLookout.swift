import Configuration
import UserDatabase

/// What came of looking at the database of users.
enum UserNews: Sendable {
    /// Other users than before, and of which selection they are.
    case changed(StoredUsers, UserSelection)
    /// They cannot be read, and those known so far stay. Said once for each reason.
    case failed(UserSourceError)
    /// They can be read again.
    case recovered
}

/// Looks whether a source has something new, and remembers what was said about it.
struct UserLookout<Source: UserSource & ~Copyable>: ~Copyable {
    private var source: Source
    private let selection: UserSelection
    private var failure: UserSourceError?
    /// The last news were not taken.
    private var isOwing = false
    private let limits = UserSourceLimits()

    init(_ source: consuming Source, _ selection: UserSelection) {
        self.source = source
        self.selection = selection
    }

    /// Says what there is to say; `report` returns false when nobody took it, and then hears it again at the next look.
    /// True when the whole source was read for it, which may be much.
    mutating func look(_ report: (UserNews) -> Bool) -> Bool {
        do throws(UserSourceError) {
            guard try source.hasNews() || failure != nil || isOwing else { return false }
            let snapshot = try source.load(realm: selection.realm, limits: limits)
            let stored = try StoredUsers(snapshot, selection.database)
            if failure == nil || report(.recovered) {
                failure = nil
                isOwing = !report(.changed(stored, selection))
            }
            return true
        } catch {
            if error != failure, report(.failed(error)) { failure = error }
            return false
        }
    }
}
