/**
 * Two IKEv1 conversations of strongSwan 5.9.8 daemons, 192.0.2.1 (a.example, the initiator) and 192.0.2.2 (b.example), pre-shared key "natt-lab", captured on
 * the wire, non-ESP markers taken off; summaries and secrets come from the initiator's log. Both claim a NAT (kernel-libipsec), and so move to port 4500.
 */
import { fromHex } from '../../src/core/bytes.ts';

export interface Conversation {
  readonly about: string;
  readonly hash: 'md5' | 'sha2-256';
  readonly cipher: '3des-cbc' | 'aes-cbc';
  readonly bits: 256 | undefined;
  /** RFC 2409 §5 and appendix B: Ka is what the messages are encrypted with. */
  readonly secrets: Readonly<Record<'sharedSecret' | 'skeyid' | 'skeyidD' | 'skeyidA' | 'skeyidE' | 'encryptionKey' | 'initialIv', Uint8Array>>;
  /** RFC 2409 §5.5, of the SA that carries what the initiator sends and of the other; `sharedSecret` with perfect forward secrecy. */
  readonly quickMode: Readonly<Record<'encryptionI' | 'encryptionR' | 'integrityI' | 'integrityR', Uint8Array>> & { readonly sharedSecret?: Uint8Array };
  /** An ICMP echo request of the initiator's and its answer, from the SPI to the ICV. */
  readonly espPackets: Readonly<Record<'initiator' | 'responder', Uint8Array>>;
  readonly messages: readonly CapturedMessage[];
}

export interface CapturedMessage {
  /** As the initiator's log tells it. */
  readonly summary: string;
  /** Of the ISAKMP SA. */
  readonly from: 'initiator' | 'responder';
  readonly port: 500 | 4500;
  readonly bytes: Uint8Array;
}

export const preSharedKey = 'natt-lab';

export const mainMode: Conversation = {
  about: 'main mode: 3DES, MD5, MODP-1024; quick mode with perfect forward secrecy; dead-peer detection',
  hash: 'md5', cipher: '3des-cbc', bits: undefined,
  secrets: {
    sharedSecret: fromHex(`
      5f7109b38553ea69b8a6d5d4a9f504696f1e5dd307ed50b43f1664c603b6e3f79f11f522992eda817774880253613b808c4ac3943cdadb442deabd9f3cc98aae
      96645d7aa1120f9b1f355abcea27dfca57285faf323146f01a7fa5ef661b4549a917005bf62595079f6c50cd178bfa28a21e2e953d65b81abac08e8c36afa047`),
    skeyid: fromHex('4cfe043f296292865f140f77d39bda64'),
    skeyidD: fromHex('379d4f645c9cb74a67686e7e4895ecfa'),
    skeyidA: fromHex('1e7be278ef01db641bac7629791b5e4b'),
    skeyidE: fromHex('41df825c4f105f96d9e0f3ea50cac625'),
    encryptionKey: fromHex('7dac5bc87f56a373f586888d3dcece1314ea55250d38946f'),
    initialIv: fromHex('9358da3dc2601f5e'),
  },
  quickMode: {
    sharedSecret: fromHex(`
      9bb46ef19075efac62619c8c629b03d38c9aebb2714a083c7ef1ada4f40f3c676c3b3659028ba8b2eb09363998cc0d3a30e79f978a9b810c31770b802f5a5c61
      771f237302cc34b9274fbb2d5e56cf689383ab8cbfdd79052b52a59c8bc6cba7d2abc38cfd588a0b7f6c346e87442757603bb3c43898e1427a1f2ba13bddd6dd`),
    encryptionI: fromHex('41b09a6a258f07f63ac5f3bd697b2e9c3f37b84d69f43b35'),
    encryptionR: fromHex('7952900fc699812b699698de1dbc15b4d65c82240bb9ae84'),
    integrityI: fromHex('59d7edc1441d8df0e5429737fb596610'),
    integrityR: fromHex('e10745cd87e119fb66d18de11508bee0'),
  },
  espPackets: {
    initiator: fromHex(`
      716f2267000000011ee874695d70e791d4b69efe42b4022bd614bfcec96848c2cb797b3987860376743298de5ee2d66e046289eeeb9c1c6a9ed3ae33539f0bf7
      4b93d67b53b05c54c0e1052f7116fbd637389281e57452ed828bf8440ad8d247feab9695bcf3db3e8a69b428eca186900022e8a8`),
    responder: fromHex(`
      cd54a4d200000001f5fd212c11f1ee1fb9b2c7157337a9beed7bd73d37c1920854189ddbaa4af742258e02b829b4a81da48011e936c26615c5dc5457ab234aaf
      d3fed4e22993d01aa54cf88f323276815d5255054bc5352034bb70f38059beb1e074009c68e11ac2f98af8af4361cc935a978eb5`),
  },
  messages: [
    {
      summary: 'ID_PROT request 0 [ SA V V V V V V ]', from: 'initiator', port: 500,
      bytes: fromHex(`
        9cfd3ebf0c6c859300000000000000000110020000000000000000c40d0000340000000100000001000000280101000100000020010100008001000580020001
        8004000280030001800b0001800c3de00d00000c09002689dfd6b7120d000014afcad71368a1f1c96b8696fc775701000d00001412f5f28c457168a9702d9fe2
        74cc01000d0000184048b7d56ebce88525e7de7f00d6c2d3800000000d0000144a131c81070358455c5728f20e95452f0000001490cb80913ebb696e086381b5
        ec427b1f`),
    },
    {
      summary: 'ID_PROT response 0 [ SA V V V V V ]', from: 'responder', port: 500,
      bytes: fromHex(`
        9cfd3ebf0c6c85934586ea9c6758584f0110020000000000000000b00d0000340000000100000001000000280101000100000020010100008001000580020001
        8004000280030001800b0001800c3de00d00000c09002689dfd6b7120d000014afcad71368a1f1c96b8696fc775701000d00001412f5f28c457168a9702d9fe2
        74cc01000d0000184048b7d56ebce88525e7de7f00d6c2d380000000000000144a131c81070358455c5728f20e95452f`),
    },
    {
      summary: 'ID_PROT request 0 [ KE No NAT-D NAT-D ]', from: 'initiator', port: 500,
      bytes: fromHex(`
        9cfd3ebf0c6c85934586ea9c6758584f0410020000000000000000ec0a000084f8804f8e360791f1a6d2d5742f1636fe58bb6b05648d4af78675c0a42997891c
        e6eb491250ad60dfdc27df17c5a826dea3e674dc9a44ec7d9ba070742ce20f5a13d65631da1b8e3a4ad3e8c28c5a08a2bb6134a118bbf249733531b83fef5ce8
        403f95772fc2254519dc31f36d0bbaa1049964259aff0102cc6d3fd36ceff0211400002445695f6a3ee64c588231eef438339a460df419c4d53c42ac7fd68510
        4ed8d8e41400001485720bbb3b8212072615860f8c9e26200000001401a8fb4aaf21690cb1a048ca147b7dab`),
    },
    {
      summary: 'ID_PROT response 0 [ KE No NAT-D NAT-D ]', from: 'responder', port: 500,
      bytes: fromHex(`
        9cfd3ebf0c6c85934586ea9c6758584f0410020000000000000000ec0a00008485fe5012eb62b5fdaccfcfa89079dff80b606c3a8dcf4a174fe8cb9f1caba169
        5193d0620189e0d96165dad002294f6c84efbb0bd4900af592c802ad31205211d751b292b58f403318d6f1af979ccb604e7defc5c917d7d7ab682cf325842833
        f1212e48883428b3a0feb8147d20da7e5901d9392fe2069125b1b9f53f10179f140000241a29af957f493ccd99779ac3e3ae5797b1e530354afe2fdab07576a8
        61972f5314000014e0eb13d80570ed7f7d5b29d3da8d9ea50000001477444e6c85de50c5ee5b18aac568fd58`),
    },
    {
      summary: 'ID_PROT request 0 [ ID HASH N(INITIAL_CONTACT) ]', from: 'initiator', port: 4500,
      bytes: fromHex(`
        9cfd3ebf0c6c85934586ea9c6758584f0510020100000000000000646250e47f83e717594bde8c8896b3d760e8895cc1dff8cf5e1966e7631dc13f0dd41c933d
        e8058c93aece09353a4e352de79d10d8870e98299df7103af13b78e9ebdd26e77530236d`),
    },
    {
      summary: 'ID_PROT response 0 [ ID HASH ]', from: 'responder', port: 4500,
      bytes: fromHex(`
        9cfd3ebf0c6c85934586ea9c6758584f05100201000000000000004483b00dc6792b6f38ae253839cd25fdad77f7386a32447301db0b2fdef8f26b5abc717ee7
        2057eba0`),
    },
    {
      summary: 'QUICK_MODE request 1776354300 [ HASH SA No KE ID ID ]', from: 'initiator', port: 4500,
      bytes: fromHex(`
        9cfd3ebf0c6c85934586ea9c6758584f0810200169e103fc0000013435444e497667f603f4beda0af3ed3e062e483f2d5b228b06e9e19e7f19ff2adf07e99c8c
        6e3a389dc3dfc2c42d8afd75a9b84419aaae82930c7d7f92a79c8824b4c3dfd1b594858eaa7a8b9199242e2685e11290b39f2c544b581b1e86a97f4d7a82d18c
        5e3584c002e1a4c1a85b70d7dd963b2b1a68db4e86613b3186ee9be2eb5f92ac2b7083256a822c819d700c473a242ad8ea9e02420463c9983483099f9a800fc0
        6e4670fd503ac004c59e87e873f1a23ead1bdc775ce0f985cf6167ca06326025646ed1e258347f070ba3392281ac5b8ef0fd7ab2c3221c688bc46973645a3a27
        f5810433bcf0be2849d07f2e944d433bd586f5490d04eff7a620a9429f4799aa2e306f19d659ac2fae081963737458c0d5f2b15e`),
    },
    {
      summary: 'QUICK_MODE response 1776354300 [ HASH SA No KE ID ID ]', from: 'responder', port: 4500,
      bytes: fromHex(`
        9cfd3ebf0c6c85934586ea9c6758584f0810200169e103fc0000013492fe13d879b343dc1302614406b1423a1265e70c27347991c5c5e81b99e06263e6b189f6
        31667c41daf26de7419770b6129732613692cf1ab7d94f9d3f014be6f25220453dde3ce9de8bc9da7409a740f0330dd6d68e8f8de505d27f681fc650f65f1de3
        eeb6a6efb20fba8364f7d965e891148fd1a4acaa59ebc1bea5c95a0edeb831fca4f9779f388bd31cc5be80f8b24e1932a27c601242adcd925b9960c710a320c7
        56134e6ea4b941c4ec5e2a83ca91830df669f41204103eb2ecafe2acb73cbb06a2acb1f050c860b1d38780c43c53dafac1ed9fb1d3cdaf05aa9b7cb5342a8003
        766f380cfa2ada2dc0717349bd8d0cb861a69304aef70fcbe62d1e284f5ac1df1c7ec585e1aa6a46ffae165cd572d496d9555a6e`),
    },
    {
      summary: 'QUICK_MODE request 1776354300 [ HASH ]', from: 'initiator', port: 4500,
      bytes: fromHex('9cfd3ebf0c6c85934586ea9c6758584f0810200169e103fc0000003418dd2eb6d3fb0193d9b5539d46f17fe0b0b2c5f554739ba1'),
    },
    {
      summary: 'INFORMATIONAL_V1 request 3613707739 [ HASH N(DPD) ]', from: 'initiator', port: 4500,
      bytes: fromHex(`
        9cfd3ebf0c6c85934586ea9c6758584f08100501d764cddb000000549a5cab40369f238b504806b3286e25db4945d0cb759a3bc8d6a5c873c6ddb0696e241782
        0fa1e5aa9b38afb4cace7f57bbdc04735ede6c2e`),
    },
    {
      summary: 'INFORMATIONAL_V1 request 2469127344 [ HASH N(DPD_ACK) ]', from: 'responder', port: 4500,
      bytes: fromHex(`
        9cfd3ebf0c6c85934586ea9c6758584f08100501932be4b000000054edade72b503dcea9317130a319ed58c5aa80e26711790a166bfb18ed1713a702d3cefb65
        ed443fe1aa3b99fd2a193cc039a560a060c11325`),
    },
    {
      summary: 'INFORMATIONAL_V1 request 3102519590 [ HASH D ]', from: 'initiator', port: 4500,
      bytes: fromHex(`
        9cfd3ebf0c6c85934586ea9c6758584f08100501b8ecb1260000005460caa18ced960675e91d69133f0a30cdbdd709b97bafce264189c133842e1374178ff203
        16fd6bb0e2b79757612cc542c8640432e004cc63`),
    },
  ],
};

export const aggressiveMode: Conversation = {
  about: 'aggressive mode: AES-256, SHA2-256, MODP-2048; XAUTH, Mode-Config; quick mode without perfect forward secrecy',
  hash: 'sha2-256', cipher: 'aes-cbc', bits: 256,
  secrets: {
    sharedSecret: fromHex(`
      a21b4ffc18566c8630562c95be4a4038279293f8b188391c81211413c707f86cf7e1768c3e764510b8aebd4fce2e998d0b35f58ab6d1bcfdb3b6b3ffed1324ce
      b127e55205bf0a68558d4ae827803dc13d7ac99f4e7d17cb8a10be8bfb46c19fb1bf8fcaed321f85d18fee39931fa1e320c2824b55df5b241f0e7c0c4e5b00ac
      cc5ca5ecde408a5ec2c1e5dc5c34393d0152a2cab051604be29f032b6bca422df013cb0bbf8cdd6da45697b3a52576daffccb01a82f84b4b4f6c067ff37ef49f
      31a11152d8e5852ab2ee47c5099af1cbb2a07d5ee3507b75338d03fb809d23d73619074c41ea6f2c4ebcc976e6747ce042445f99ac3725a4b4ee8eca01edaa23`),
    skeyid: fromHex('0bf5b68a96ced2ce4f65408d1f70631c6845df034949897aa89d730406b820ae'),
    skeyidD: fromHex('6316c8522cee1ae6a1a6d5d2a9105657803451864938ceb66da5b45662dbb20f'),
    skeyidA: fromHex('58d3b51ff9ba69bf1188dc377f196e70114dfd6fb38f52b5c5cdb6f21499ff6b'),
    skeyidE: fromHex('ea49c3eca23580dd5f7c949bf68f7199110081103cc85e35e3468c3c1fad6c29'),
    encryptionKey: fromHex('ea49c3eca23580dd5f7c949bf68f7199110081103cc85e35e3468c3c1fad6c29'),
    initialIv: fromHex('4853863450824ecc2390174438d85be6'),
  },
  quickMode: {
    encryptionI: fromHex('4b3e7585d3c15d0c01cf27c154506db3'),
    encryptionR: fromHex('7abb083a21fa8f892185bc1ee9f0c608'),
    integrityI: fromHex('0e40e4d3ac2d9120a5a64feffc6e65ada1dec3f0'),
    integrityR: fromHex('a670f1690e3b78d942d1524db53a2cf812981529'),
  },
  espPackets: {
    initiator: fromHex(`
      5e20716600000001950d3439d4a0ae25e316bb417853ef33f4415ba8205b62e7b2553cbad42a947a089de2317e97b1e7f594da7dfe21dabee16f8854805d15f6
      f78ff27b529cf72a6280f178f0b649e1558ba89bcb75f41753476d60f0d5a3b423a7764ce770b6e0975227bb51c630cc897f0d32d73e64c4876d2f7a98658bec
      b5f6c0aa`),
    responder: fromHex(`
      395ed5b200000001a67e9ce039f25fc3b19fa4351f8f25f77c993948c7758533fa063a53ce66cb290a373ba64447cc3f1813b3c37710b27dec98ac9ca0a4911d
      0ad9595a028eea1d938ace79e0c03834ed07bcdfe58ce1acc66501e47413d5953062b06886e65902c22be2b0f6feed48f0a0027e23725e9e500e6153a46bf4a7
      3dac4e0e`),
  },
  messages: [
    {
      summary: 'AGGRESSIVE request 0 [ SA KE No ID V V V V V V ]', from: 'initiator', port: 500,
      bytes: fromHex(`
        65fdadc83ac7feb000000000000000000110040000000000000002010400003800000001000000010000002c01010001000000240101000080010007800e0100
        800200048004000e8003fde9800b0001800c3de00a000104407bc1f26ca4ad4f582acb63e0e6ab10e2fab04e1734bb70213cbe2b8d880a7fc41027959aeb7120
        15da059c451c24e0e0fb73befb459fc2ccedbba815087b620e7d0068ff1dd953d4c035290bb03fdc6f383e18b5498c05dcfaaf885903f421787fe36addccf20a
        9c743bc47afc9efc093023c39f903908e22527959df980ffbeb1d30f6d0aeafb4baaa38bb259e3aca53f9238c9a15dc73eb97dec54d277f05a79fcb9f9b0ced0
        d3eca0ca5394f90940f8c8f5525503526c0b5012b7b599a795bf7867aad1932eafb005adceb63b1fd251ef6d685361b023b4bd612cb323c73651d3137bc6adae
        fc6dbac1eedba846c9a972745c6b04466229a16fabe909b405000024df262a9ccc3056fe0b172a5ac56c6d1d5b098dcd45c2d69c58cf82694c6df25b0d000011
        02000000612e6578616d706c650d00000c09002689dfd6b7120d000014afcad71368a1f1c96b8696fc775701000d00001412f5f28c457168a9702d9fe274cc01
        000d0000184048b7d56ebce88525e7de7f00d6c2d3800000000d0000144a131c81070358455c5728f20e95452f0000001490cb80913ebb696e086381b5ec427b
        1f`),
    },
    {
      summary: 'AGGRESSIVE response 0 [ SA KE No ID V V V V V NAT-D NAT-D HASH ]', from: 'responder', port: 500,
      bytes: fromHex(`
        65fdadc83ac7feb05bd049a9f5d921860110040000000000000002590400003800000001000000010000002c01010001000000240101000080010007800e0100
        800200048004000e8003fde9800b0001800c3de00a000104a1d095b12df0d49c1e06bdf8c2127499e57f5156a1945a7a74f9e370f44eca5f01c06835459daf23
        dc1aa289f9e87619b80329d8fa670737ab387e25543d80485ba6bdb1564e7dfd3b4a9e37b2a2426cee62c73fb0ba04cb8b246e935d862bc1d833a5d1e9591cca
        9071a3ef2a87881b9efca89d99c6051121680f426a7f9e8f097c0f76b1a17a02c9cd9e932bd1198667431770bfae1ce20e218e21e38b0d06ae043c27869bb6b6
        c3d68bb3ce3d80362f5bb4ee999944aec265a474a89ac3fdd19f75557f053515b9c8b039d31e0d1ad575d3f704385911d6e4346eb42ae86268603ca6ead283ca
        1d6471b38773427b8646cc523781bc6fdfcb635a4ad788ed050000243488409991c6a22c69f5fb1d9069b59f6f9e94bd64c7a1f60fcd72f7f74da8760d000011
        02000000622e6578616d706c650d00000c09002689dfd6b7120d000014afcad71368a1f1c96b8696fc775701000d00001412f5f28c457168a9702d9fe274cc01
        000d0000184048b7d56ebce88525e7de7f00d6c2d380000000140000144a131c81070358455c5728f20e95452f14000024ebb24a90becc754a143105af2537cb
        e4335353376f87cb4bad30e54f4421022d080000248c9118573d3629200e7481c66af6f071f585874c47f55df4075547461e1adb01000000241c84e49867365c
        5a112103e595bb1084804a7f0513ef5962a93499274bd3f24d`),
    },
    {
      summary: 'AGGRESSIVE request 0 [ HASH NAT-D NAT-D ]', from: 'initiator', port: 4500,
      bytes: fromHex(`
        65fdadc83ac7feb05bd049a9f5d9218608100401000000000000008c1c9c33d6c96d09195c9c311235a205d5a51317db664ae0b8756e128dc5ebbd433d13670b
        b07cd95c4dec1f4c16d4a83288108a575cbfc5a7767e723af773b2149208af04b6557f164941c02a55150ed5c9dfe9984967a5a572598ce20e464fb3a622e426
        c203f911a8595bf2bcea18de`),
    },
    {
      summary: 'TRANSACTION request 3272466577 [ HASH CPRQ(X_USER X_PWD) ]', from: 'responder', port: 4500,
      bytes: fromHex(`
        65fdadc83ac7feb05bd049a9f5d9218608100601c30de0910000005c77cd1d0158543daaa9f6e784c5fd5cb01d411ae720e4ddda82b2df0544dc2d4071774a25
        cb640d077972ead692e33b58fd7c7e0ea028074a071fdab4b17f2ffa`),
    },
    {
      summary: 'TRANSACTION response 3272466577 [ HASH CPRP(X_USER X_PWD) ]', from: 'initiator', port: 4500,
      bytes: fromHex(`
        65fdadc83ac7feb05bd049a9f5d9218608100601c30de0910000006c5cebd9f46c57baedb8c1db1dcaf3bfe4450c132e66bc7b30bf000d16d60860f5d5220915
        662ea4b9a298d76125df17fbdf781493f7ab13ab7f0ed1ace62d7344c0e67c6d31aacc16f7447bb80b6dff79`),
    },
    {
      summary: 'TRANSACTION request 2945401439 [ HASH CPS(X_STATUS) ]', from: 'responder', port: 4500,
      bytes: fromHex(`
        65fdadc83ac7feb05bd049a9f5d9218608100601af8f425f0000005c11811a9986fd10b2f5321f312165db06da76e2c8234da7bfa52312c0815beaed97d55665
        0da4072a04977b3a6dfee15e4915c0e43d0bf67fa137f21617c4759e`),
    },
    {
      summary: 'TRANSACTION response 2945401439 [ HASH CPA(X_STATUS) ]', from: 'initiator', port: 4500,
      bytes: fromHex(`
        65fdadc83ac7feb05bd049a9f5d9218608100601af8f425f0000005c9001237eb27862a87f47f880a0b4a545eb67d3fb552b4c06878668c49e95fdaa097f6c69
        b0055397d4a448ebd27b36a5ec25479d0e31e60e4c761173fc7cafc8`),
    },
    {
      summary: 'TRANSACTION request 2889589816 [ HASH CPRQ(ADDR U_SPLITINC U_LOCALLAN) ]', from: 'initiator', port: 4500,
      bytes: fromHex(`
        65fdadc83ac7feb05bd049a9f5d9218608100601ac3ba4380000005c62b1307387eab45cfb79a01da4de3d74045e4589d368eff387de3bb174e8a6889a7c7141
        4b9b193cd238ba8b33085d52e47a50670762e2b7e725952c573a6553`),
    },
    {
      summary: 'TRANSACTION response 2889589816 [ HASH CPRP(ADDR DNS SUBNET DNS U_SPLITINC) ]', from: 'responder', port: 4500,
      bytes: fromHex(`
        65fdadc83ac7feb05bd049a9f5d9218608100601ac3ba4380000008c7db00a258cfe080519ac424076abc1f63fdf6d7127d3615699be4eaedeef435835d23a54
        5defdac9ca2058d471a34af5b1b2d4fb01dde348cbb1addfe2f9f1f9c2ea8e88e5930e7a3a707ac53632f5401ab819d0163a4810b80b10fe8b75453ae47571d5
        0148262f1fccb937e35f4067`),
    },
    {
      summary: 'QUICK_MODE request 1947342863 [ HASH SA No ID ID ]', from: 'initiator', port: 4500,
      bytes: fromHex(`
        65fdadc83ac7feb05bd049a9f5d92186081020017412180f000000bc212fcd7074c1050074a51832b877a214dfdfbe28941ee1aed43fd6040e5c61ecfa6b0caf
        353e8059635a6d747109ff566fb1159e18376140ed9503a0966eb177caf4a82f2d6f1c985a8c5751bbeaa75e1a77ae83a1c87d6cd37f1fb73263a893259ddb7b
        7c198ec05c91c0890b3f515555f2273eeaff4eb17e4406d050c71ecf8e4560dde716954dbeb36359964ed0048b523c090fb416e8fc33846ed25c8e53`),
    },
    {
      summary: 'QUICK_MODE response 1947342863 [ HASH SA No ID ID ]', from: 'responder', port: 4500,
      bytes: fromHex(`
        65fdadc83ac7feb05bd049a9f5d92186081020017412180f000000bce7bbd0199801170f04b422d4f05abc2daaa85db55a5c7846a54f80b3ffc37224f2073594
        cf03d218fcebbf074070b0d8be5b8f62d2ca763931418ac8e2266116ff8f3338e93396b5281c6f17103947869ce9cf5e0d603214375a74f4c41ef866307c0efb
        782fe312e5c0eb9074e4568d9b9b8e79b7bfb7c9f661562781d349e68f5fae287212b70f9e53620825ac4c6c50a9e8f4aa60b1675683ca1233987f20`),
    },
    {
      summary: 'QUICK_MODE request 1947342863 [ HASH ]', from: 'initiator', port: 4500,
      bytes: fromHex(`
        65fdadc83ac7feb05bd049a9f5d92186081020017412180f0000004ca4badda5bd56b540b513cb6bcf4d362b61ca5fd92245881f24597db6abcd207e77d85aa5
        9d6e5027ae7b75b2489f24e2`),
    },
    {
      summary: 'INFORMATIONAL_V1 request 3719407823 [ HASH D ]', from: 'initiator', port: 4500,
      bytes: fromHex(`
        65fdadc83ac7feb05bd049a9f5d9218608100501ddb1a8cf0000006c6cd8294fb68111b57baa966877b21f12467ff813634a588f4242e7bf57b71727c1463239
        68e5c369cd3567daa3bdef6247f36a4814f1eeb2318343a74de71218b07f5cc84586883446357da28fd92ed1`),
    },
  ],
};
