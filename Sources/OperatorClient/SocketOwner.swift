import Glibc

/// Whose a file is.
package enum SocketOwner {
    /// The name of the group that a file belongs to, or of that of the folder when the file cannot be seen; nil when
    /// nobody says.
    package static func group(of path: String) -> String? {
        var path = path
        while true {
            var status = stat()
            if unsafe stat(path, &status) == 0 { return groupName(status.st_gid) }
            guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return nil }
            path = String(path[..<slash])
        }
    }

    private static func groupName(_ id: gid_t) -> String {
        guard let entry = unsafe getgrgid(id), let name = unsafe entry.pointee.gr_name else { return "\(id)" }
        return unsafe String(cString: name)
    }
}

/// Words of the environment of the process.
package enum Environment {
    /// Nil when there is none, or when it is empty.
    package static func value(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        let text = unsafe String(cString: value)
        return text.isEmpty ? nil : text
    }
}
