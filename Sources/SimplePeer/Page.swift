import Containers
import Signaling

/// A page that runs the wrapper, and whom it is connected with.
struct Page {
    let handle: SlabHandle
    /// What it calls its socket, as a JSON string.
    let quotedName: [UInt8]
    /// The mesh that it is in, or may ask for.
    let mesh: RoomName
    /// Its seat in the mesh, once it has asked for one.
    var seat: SeatID?
    /// Whom it makes connections with: everybody else in the mesh.
    var pairs: [Pair] = []
    /// The room that it was told of as the only one in the mesh, until somebody comes.
    var vacancy: Int?
    /// The least number that none of the rooms had that it was told of. The wrapper keeps all rooms for ever, so no
    /// number may come to it twice.
    var freshNumber = 0

    /// A room of two, by its number, and the other one.
    struct Pair {
        let number: Int
        let other: SlabHandle
    }

    func other(in number: Int) -> SlabHandle? { pairs.first { $0.number == number }?.other }

    mutating func note(_ number: Int) { freshNumber = max(freshNumber, number + 1) }
}
