import Configuration
import EventLoop
import LinuxSockets
import TURN
import Telemetry
import UserDatabase

// Users and secrets of a database: read at the start and by a reload that names another one, watched in between.
extension Server {
    /// Reads them for the start. A file that is not there yet is no error where the configuration has credentials of
    /// its own: coturn would make it, and configurations name it that never use it.
    static func storedUsers(
        _ selection: UserSelection?, _ configuration: ServerConfiguration
    ) throws(StartFailure) -> StoredUsers? {
        guard let selection else { return nil }
        do { return try StoredUsers.load(selection) } catch {
            let authentication = configuration.authentication
            let hasOthers = !authentication.staticUsers.isEmpty || !authentication.sharedSecrets.isEmpty
            if error.kind == .missing, hasOthers { return nil }
            throw StartFailure("\(error)")
        }
    }

    /// Begins to look for changes, as the user that the server has become.
    func watchUsers() throws(SystemError) {
        logUsers(before: nil)
        if let watch = userWatch {
            // A thread that takes no order hangs in a disk.
            if !watch.watch(userSelection) { log.write(.warning, "userdb: changes are not seen: the disk hangs") }
        } else if let selection = userSelection {
            userWatch = try UserWatch(selection) { [inbox] in inbox.post(.users($0)) }
        }
    }

    /// What a reload goes by: what is known, or what another database, or another realm of it, has.
    func usersForReload(
        _ configuration: ServerConfiguration
    ) throws(ConfigurationRefusal) -> (UserSelection?, StoredUsers?) {
        let selection = UserSelection(configuration, host)
        if selection == userSelection, let stored { return (selection, stored) }
        do { return (selection, try Self.storedUsers(selection, configuration)) } catch {
            throw .about(.configuration, option: "userdb", error.description)
        }
    }

    /// Goes by what a reload has read.
    func adoptUsers(_ selection: UserSelection?, _ users: StoredUsers?) {
        stored = users
        guard selection != userSelection else { return }
        userSelection = selection
        do { try watchUsers() } catch { log.write(.warning, "userdb: changes are not seen: \(error)") }
    }

    /// Takes what somebody saw who looked.
    func adopt(_ news: UserNews) {
        switch news {
        case .changed(let users, let selection):
            // It may be about what a reload has replaced meanwhile.
            guard selection == userSelection, users.fingerprint != stored?.fingerprint else { return }
            let before = stored
            stored = users
            settings = makeSettings(configuration, issuing, users)
            ledger.adopt(settings.quotas, quarantineSeconds: settings.quarantineSeconds)
            tellWorkers()
            logUsers(before: before)
        case .failed(let error):
            guard error.kind != .missing || stored != nil else { return }
            log.write(.warning, "userdb: \(error); the users known so far stay")
        case .recovered: log.write(.notice, "userdb: it can be read again")
        }
    }

    private func logUsers(before: StoredUsers?) {
        guard let selection = userSelection else { return }
        guard let stored else {
            let path = selection.database.path
            return log.write(
                .warning, "userdb: there is no \(path) yet; 'tern users add -b \(path)' makes it, and it is seen then")
        }
        let change = before.map { " (before: \($0.summary))" } ?? ""
        let realm = Quoted(selection.realm)
        log.write(.notice, "userdb: \(stored.summary) of realm \(realm)\(change)")
        for remark in stored.remarks where before?.remarks.contains(remark) != true {
            log.write(.warning, "userdb: \(remark)")
        }
    }
}
