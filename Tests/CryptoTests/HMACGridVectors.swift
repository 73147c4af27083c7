// Authentication codes from the one-shot HMAC of another implementation (Python's hmac over OpenSSL's EVP), at the
// lengths where a block-level implementation goes wrong: around the block, and around the length field of the padding.

/// One point of the grid: byte `i` of the key is `13 i + 1`, byte `i` of the message is `7 i + 3`, modulo 256.
struct HMACGridPoint: Sendable {
    let keyByteCount: Int
    let messageByteCount: Int
    let code: String
}

let sha1Grid: [HMACGridPoint] = [
    HMACGridPoint(keyByteCount: 0, messageByteCount: 0, code: "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d"),
    HMACGridPoint(keyByteCount: 0, messageByteCount: 1, code: "1e70fadca2cc0f0f6f91835895cbbbe43e39f41f"),
    HMACGridPoint(keyByteCount: 0, messageByteCount: 55, code: "db958ac438dd137f19a92c60e1506b57c4a9a068"),
    HMACGridPoint(keyByteCount: 0, messageByteCount: 56, code: "dc1a6a72b63e80255cb231c550bc0a69dd01b6cb"),
    HMACGridPoint(keyByteCount: 0, messageByteCount: 63, code: "66a110b704ac3add856e3818e90f0bb5a63f796b"),
    HMACGridPoint(keyByteCount: 0, messageByteCount: 64, code: "f70877f916deaa7729b07ac730eb139bb90231a2"),
    HMACGridPoint(keyByteCount: 0, messageByteCount: 65, code: "1933f4b0ceea1312f2cd99722c26cac74579f5aa"),
    HMACGridPoint(keyByteCount: 0, messageByteCount: 1000, code: "39cc105e552ea410d73a4a978f9f5e761df6a966"),
    HMACGridPoint(keyByteCount: 63, messageByteCount: 0, code: "b168c68c4633aa932ee7684d6896c5893024cbc7"),
    HMACGridPoint(keyByteCount: 63, messageByteCount: 1, code: "e09d80642a0e5ad74c173cf4ec3d58bada5f6fcf"),
    HMACGridPoint(keyByteCount: 63, messageByteCount: 55, code: "248288a4cddbf9ee43751e7601d8e930e01524a6"),
    HMACGridPoint(keyByteCount: 63, messageByteCount: 56, code: "cb2a2386bc668196d9ee50d893c1295c62a8bb70"),
    HMACGridPoint(keyByteCount: 63, messageByteCount: 63, code: "478315773796e02a453f644ba6b7327a564c03e0"),
    HMACGridPoint(keyByteCount: 63, messageByteCount: 64, code: "10a193c699bf93138f76eb95e0bd98f8fe1ec8fe"),
    HMACGridPoint(keyByteCount: 63, messageByteCount: 65, code: "e4a28fb175b836d4dd0421a11bf7784cecba3259"),
    HMACGridPoint(keyByteCount: 63, messageByteCount: 1000, code: "6e5e307da1ec93251a7a703e68a47e65a4e9c509"),
    HMACGridPoint(keyByteCount: 64, messageByteCount: 0, code: "c41ef32a7039f22de27217632e36cdd6e824ef74"),
    HMACGridPoint(keyByteCount: 64, messageByteCount: 1, code: "4e7b6854daf144e6e668057057fa7e42cd1a64c0"),
    HMACGridPoint(keyByteCount: 64, messageByteCount: 55, code: "52eea11030c36c3bb85b9de2f6af56f2ce64b6f3"),
    HMACGridPoint(keyByteCount: 64, messageByteCount: 56, code: "d237cb17cb95e2513b5e63945c26f1ecf910d08c"),
    HMACGridPoint(keyByteCount: 64, messageByteCount: 63, code: "b8c5068007ab0050c74c48e2bbf870717ba9b689"),
    HMACGridPoint(keyByteCount: 64, messageByteCount: 64, code: "c5caf029daaebd84677de47da8f793b2cda33690"),
    HMACGridPoint(keyByteCount: 64, messageByteCount: 65, code: "08f1ec79d32972d4828dd14d168ae5fa7a7dc11f"),
    HMACGridPoint(keyByteCount: 64, messageByteCount: 1000, code: "b28b4c3b75ce875054f96a357fd84c8066ea27b6"),
    HMACGridPoint(keyByteCount: 65, messageByteCount: 0, code: "fed755414a77bfe4316d9187cd4f8b7f2bd0d05f"),
    HMACGridPoint(keyByteCount: 65, messageByteCount: 1, code: "282f0c2f06216e3d4a632cfcec4d4c156339ac6c"),
    HMACGridPoint(keyByteCount: 65, messageByteCount: 55, code: "07c3f8875dc60e9a7437cc6fe3689e23fed1c4f0"),
    HMACGridPoint(keyByteCount: 65, messageByteCount: 56, code: "a82103c17ea3ea0b4cc8000e6f6f3b1e6cf997cc"),
    HMACGridPoint(keyByteCount: 65, messageByteCount: 63, code: "f7c5a40b8527ec3cf1be56e8c7e9532b50656014"),
    HMACGridPoint(keyByteCount: 65, messageByteCount: 64, code: "e48b9eed5083e1cf022017ab92c713ca7ff77a3f"),
    HMACGridPoint(keyByteCount: 65, messageByteCount: 65, code: "1d8fbb3b04c007b3b5153fdf1a7391e29d39234c"),
    HMACGridPoint(keyByteCount: 65, messageByteCount: 1000, code: "1d97e33ae4b034916d7b534e0edbbf8d974edd1d"),
    HMACGridPoint(keyByteCount: 200, messageByteCount: 0, code: "24b1678cce0f7733ec33b2fc77a873ccab6148c2"),
    HMACGridPoint(keyByteCount: 200, messageByteCount: 1, code: "80eba415be1beff5e570580563b5b4d10a840821"),
    HMACGridPoint(keyByteCount: 200, messageByteCount: 55, code: "b21548a02789e2c433a43adf5c6bf5c3f9cf77d1"),
    HMACGridPoint(keyByteCount: 200, messageByteCount: 56, code: "5d346716178138f56f733146ef1865fd189b7a7f"),
    HMACGridPoint(keyByteCount: 200, messageByteCount: 63, code: "949079897ce90faa3d193fc5e7abe53974ed345e"),
    HMACGridPoint(keyByteCount: 200, messageByteCount: 64, code: "db217046f10556ae6f9b830f97dc7f707d8f6cfa"),
    HMACGridPoint(keyByteCount: 200, messageByteCount: 65, code: "0220c42925f44c2e767e9e5d722c0ad9538436ac"),
    HMACGridPoint(keyByteCount: 200, messageByteCount: 1000, code: "b926e2596ed689a104b48eaf7e1b860f120a07c1"),
]

let sha256Grid: [HMACGridPoint] = [
    HMACGridPoint(
        keyByteCount: 0, messageByteCount: 0,
        code: "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"),
    HMACGridPoint(
        keyByteCount: 0, messageByteCount: 1,
        code: "a6d76548fe8ed070bb909d99999aab3123ea3de416a2d58bcefb8f867962bb86"),
    HMACGridPoint(
        keyByteCount: 0, messageByteCount: 55,
        code: "c1088aefdb12331d0799fb01e65e566a11918be12fb659de2f5f82363f2fd871"),
    HMACGridPoint(
        keyByteCount: 0, messageByteCount: 56,
        code: "9fa59151694fe6f39273e918f16c7cf55dd6e48306dbe758b61d5054406e5209"),
    HMACGridPoint(
        keyByteCount: 0, messageByteCount: 63,
        code: "437739a04d200d6da8cb1cae7cf1d992af99bcc7107af52598aef26056b917e0"),
    HMACGridPoint(
        keyByteCount: 0, messageByteCount: 64,
        code: "3bee6947db78828489afa4af1a3638897419f73ecc39c4a51c89cbfb29ee3647"),
    HMACGridPoint(
        keyByteCount: 0, messageByteCount: 65,
        code: "d5023bd37beef52744377cc4262ffe226460af65af79f2524a41e1afe02fc46a"),
    HMACGridPoint(
        keyByteCount: 0, messageByteCount: 1000,
        code: "96e24c10cfc7bdb20961a92f2410c987c49132c7f37e28e0754c8e2ab4155b49"),
    HMACGridPoint(
        keyByteCount: 63, messageByteCount: 0,
        code: "1fef4ff0a337a90732cd48265ed1f1f6cd20724a6b2cb103a47f38c305517862"),
    HMACGridPoint(
        keyByteCount: 63, messageByteCount: 1,
        code: "c761690bf2b511ca26ef67c892f64a416aab3e9cc45259f679795017921e11a0"),
    HMACGridPoint(
        keyByteCount: 63, messageByteCount: 55,
        code: "d1be57344b2e089d997091d4e81948003c99b31e25070ce792ea64b91e5e3489"),
    HMACGridPoint(
        keyByteCount: 63, messageByteCount: 56,
        code: "42e31e4289b7849851f6fe156805c1e9605e146f954f4e8305a24507e7df29b9"),
    HMACGridPoint(
        keyByteCount: 63, messageByteCount: 63,
        code: "7affff02198fd79bd41246bb8243bd6a2176591c931ba9643140bf2c0f74e806"),
    HMACGridPoint(
        keyByteCount: 63, messageByteCount: 64,
        code: "95ce11586f8ef01b8c7c30fb74aeee8380dca14de8981dedd10f784c7732d3b4"),
    HMACGridPoint(
        keyByteCount: 63, messageByteCount: 65,
        code: "b1abe6212e37b3d7b38c46478a3c46b66058376af0866dc4fed61163a32c0895"),
    HMACGridPoint(
        keyByteCount: 63, messageByteCount: 1000,
        code: "07b123aba7bf0ef60554e1bbb404d3c3879d539b66b7cb50d1221bd3a4abbf6e"),
    HMACGridPoint(
        keyByteCount: 64, messageByteCount: 0,
        code: "0efe5d996e675745a5070d8bb99b04f6746651c3a5e576e8d208ef599ea07c8a"),
    HMACGridPoint(
        keyByteCount: 64, messageByteCount: 1,
        code: "171495b81e6a09a7f64a7792aa2ef672031e56ad13e87751ff37d42c431596f7"),
    HMACGridPoint(
        keyByteCount: 64, messageByteCount: 55,
        code: "3e920ee5a1a009f883942227b5ab0c6e4b80fe37067a5e669b18fbc3d8924bfb"),
    HMACGridPoint(
        keyByteCount: 64, messageByteCount: 56,
        code: "5446c1836c8932ba12dd401d8aae4ed6851aacca8e6efbbae51a72526b145109"),
    HMACGridPoint(
        keyByteCount: 64, messageByteCount: 63,
        code: "ba9466d327eb830ed9e6bb36d1845c7b1b31c27e12ba1eb0fdf545a71e99a5c1"),
    HMACGridPoint(
        keyByteCount: 64, messageByteCount: 64,
        code: "6c2b424399ea534fad6e389294ee4ab0ff76ecfa5ebc1f0f16cc0d5990766717"),
    HMACGridPoint(
        keyByteCount: 64, messageByteCount: 65,
        code: "fa4f3b5e365125748cd2604f85ea88c56cdfe8b922cd035f3ce0ee7cc830d5af"),
    HMACGridPoint(
        keyByteCount: 64, messageByteCount: 1000,
        code: "3ed623d73e68b5011de77eb95bd6fd2f86e38dae88e3b6295825bfdd760779ce"),
    HMACGridPoint(
        keyByteCount: 65, messageByteCount: 0,
        code: "0dc2b3e7b71039add7054f550b7815587ce8097d308e7922c4cbdb90d8d9ab8e"),
    HMACGridPoint(
        keyByteCount: 65, messageByteCount: 1,
        code: "055cd7f58dd6c13df2652927710f6570f0c4ce13b8cd5cd2ac21f4f877b57766"),
    HMACGridPoint(
        keyByteCount: 65, messageByteCount: 55,
        code: "724f95da7a2fc9be59f85151149b055c6cb9958805b82c2cee2645667b0ccd20"),
    HMACGridPoint(
        keyByteCount: 65, messageByteCount: 56,
        code: "cd8206daf8d33d897d688bcd3db3f4ad2f76ada09b5978e1c32d43ff29b8af2a"),
    HMACGridPoint(
        keyByteCount: 65, messageByteCount: 63,
        code: "66751a919a54d23dea491afd85d6f8f7fc48d2b4a2820b8fd53d907cd5ea39fc"),
    HMACGridPoint(
        keyByteCount: 65, messageByteCount: 64,
        code: "b08475f97bdb74b60f57f1e666c4f60d60436eb7430426233dba61c217c441b9"),
    HMACGridPoint(
        keyByteCount: 65, messageByteCount: 65,
        code: "22be4b1a1dfac1eb9b35344a0406308155e814b5a222ebb9dc4a7f389f34e73d"),
    HMACGridPoint(
        keyByteCount: 65, messageByteCount: 1000,
        code: "6ab664a91910abbb79911aa9b9bf6f54e8acb7a0f418d835807e27583feb0568"),
    HMACGridPoint(
        keyByteCount: 200, messageByteCount: 0,
        code: "3a296efecbf4e1cfcfc4756eb658a4a2412dedb990f96e58782d20d72b6a9eda"),
    HMACGridPoint(
        keyByteCount: 200, messageByteCount: 1,
        code: "72239658bcafbbc906802be6c81b22cbc7783e46b7396dc5f0a3c56b76f40de6"),
    HMACGridPoint(
        keyByteCount: 200, messageByteCount: 55,
        code: "1e525ad3e2168bbc959b37c7ed5f8185f7327eb3a2cb3df4d430f4d63f0184e0"),
    HMACGridPoint(
        keyByteCount: 200, messageByteCount: 56,
        code: "a950a9e3853e72a8c1dd281293a71ffa06e0cd8731dee9920ddba911a17a4cfa"),
    HMACGridPoint(
        keyByteCount: 200, messageByteCount: 63,
        code: "735b4a05c2b2a82182f29f82e4baa1d161c7e43e1ae342c58e6c06ef6719d27e"),
    HMACGridPoint(
        keyByteCount: 200, messageByteCount: 64,
        code: "c5b6781042945037fc610ba7ac7a48c9ea6e93b7f8e9d0bf4592ae50e5df9552"),
    HMACGridPoint(
        keyByteCount: 200, messageByteCount: 65,
        code: "8855c0282cd18a6a36316d24d85a3cb6a5095adf9cd4c1feb3739ccaab5cd1c0"),
    HMACGridPoint(
        keyByteCount: 200, messageByteCount: 1000,
        code: "8d454e8f4bc0afa5eb3636a00a6bf8fcf8cc9765f15e69d82a8421bd4e7557c7"),
]
