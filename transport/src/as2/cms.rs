//! Signed, encrypted and compressed data (CMS) as AS2 uses them: RSA signatures with SHA-2, AES in CBC mode, zlib.

use std::io::{Read as _, Write as _};

use aws_lc_rs::{
    cipher::{
        AES_128, AES_192, AES_256, DecryptionContext, PaddedBlockDecryptingKey,
        PaddedBlockEncryptingKey, UnboundCipherKey,
    },
    rand,
    rsa::{Pkcs1PrivateDecryptingKey, Pkcs1PublicEncryptingKey, PublicEncryptingKey},
    signature::UnparsedPublicKey,
};
use cms::{
    compressed_data::CompressedData,
    content_info::ContentInfo,
    enveloped_data::{EnvelopedData, RecipientIdentifier, RecipientInfo},
    signed_data::{SignedData, SignerIdentifier, SignerInfo},
};
use der::{
    Decode as _, Encode as _,
    asn1::{ObjectIdentifier as Oid, OctetString},
};
use jiff::Timestamp;
use zeroize::Zeroizing;

use super::{
    ber::{tlv, to_der},
    digest::Digest,
};
use crate::{
    credential::{Certificate, Identity},
    random,
};

const DATA: Oid = Oid::new_unwrap("1.2.840.113549.1.7.1");
const SIGNED: Oid = Oid::new_unwrap("1.2.840.113549.1.7.2");
const ENVELOPED: Oid = Oid::new_unwrap("1.2.840.113549.1.7.3");
const COMPRESSED: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.1.9");
const ZLIB: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.3.8");
const CONTENT_TYPE: Oid = Oid::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: Oid = Oid::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_TIME: Oid = Oid::new_unwrap("1.2.840.113549.1.9.5");
const RSA: Oid = Oid::new_unwrap("1.2.840.113549.1.1.1");
const RSA_PSS: Oid = Oid::new_unwrap("1.2.840.113549.1.1.10");
const RSA_SHA: [Oid; 3] = [
    Oid::new_unwrap("1.2.840.113549.1.1.11"),
    Oid::new_unwrap("1.2.840.113549.1.1.12"),
    Oid::new_unwrap("1.2.840.113549.1.1.13"),
];
const AES_128_CBC: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.1.2");
const AES_192_CBC: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.1.22");
const AES_256_CBC: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.1.42");
const NULL: &[u8] = &[5, 0];

/// What is wrong with signed, encrypted or compressed data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CmsFault {
    /// Not what it says it is.
    #[error("this is no CMS message of the kind expected")]
    Form,
    /// Done in a way that is not used here.
    #[error("an algorithm that is not used here (RSA with SHA-2, AES-CBC and zlib are)")]
    Algorithm,
    /// Signed by nobody who is known.
    #[error("it is signed by nobody whose certificate is known")]
    Signer,
    /// The signer's certificate is over, or not good yet.
    #[error("the certificate of the signer is not good any more, or not yet")]
    Expired,
    /// The signature is not one of what came.
    #[error("the signature is wrong: what came is not what was signed")]
    Signature,
    /// Encrypted for somebody else.
    #[error("it is encrypted for none of our certificates")]
    Recipient,
    /// It cannot be decrypted. Why is not said to anybody.
    #[error("it cannot be decrypted")]
    Decrypt,
    /// It grows beyond the limit.
    #[error("unpacked it is larger than {0} bytes")]
    Large(usize),
    /// Our own key or their certificate cannot be used.
    #[error("a key is not of a kind that is used here (RSA of 2048 bits or more)")]
    Key,
}

fn oid(oid: Oid) -> Vec<u8> {
    oid.to_der().expect("an identifier can be written")
}

fn algorithm(of: Oid, parameters: &[u8]) -> Vec<u8> {
    tlv(0x30, &[&oid(of), parameters])
}

/// Issuer and serial number of a certificate.
fn named(certificate: &Certificate) -> Vec<u8> {
    let tbs = &certificate.parsed().tbs_certificate;
    let written = "what was read from DER can be written again";
    let (issuer, serial) = (tbs.issuer.to_der(), tbs.serial_number.to_der());
    tlv(0x30, &[&issuer.expect(written), &serial.expect(written)])
}

fn wrapped(kind: Oid, content: &[u8]) -> Vec<u8> {
    tlv(0x30, &[&oid(kind), &tlv(0xa0, &[content])])
}

/// Signs bytes that go beside the signature.
pub(super) fn sign(
    identity: &Identity,
    content: &[u8],
    digest: Digest,
    now: Timestamp,
) -> Result<Vec<u8>, CmsFault> {
    let attribute = |kind: Oid, value: &[u8]| tlv(0x30, &[&oid(kind), &tlv(0x31, &[value])]);
    let time = now.strftime("%y%m%d%H%M%SZ").to_string();
    let mut attributes = [
        attribute(CONTENT_TYPE, &oid(DATA)),
        attribute(SIGNING_TIME, &tlv(0x17, &[time.as_bytes()])),
        attribute(MESSAGE_DIGEST, &tlv(0x04, &[&digest.of(content)])),
    ];
    attributes.sort();
    let attributes = attributes.concat();
    let key = identity.rsa().map_err(|_| CmsFault::Key)?;
    let mut signature = vec![0; key.public_modulus_len()];
    let random = rand::SystemRandom::new();
    key.sign(digest.signing(), &random, &tlv(0x31, &[&attributes]), &mut signature)
        .map_err(|_| CmsFault::Key)?;
    let hash = algorithm(digest.oid(), NULL);
    let signer: [&[u8]; 6] = [
        &[2, 1, 1],
        &named(identity.certificate()),
        &hash,
        &tlv(0xa0, &[&attributes]),
        &algorithm(RSA, NULL),
        &tlv(0x04, &[&signature]),
    ];
    let data: [&[u8]; 5] = [
        &[2, 1, 1],
        &tlv(0x31, &[&hash]),
        &tlv(0x30, &[&oid(DATA)]),
        &tlv(0xa0, &[identity.certificate().der()]),
        &tlv(0x31, &[&tlv(0x30, &signer)]),
    ];
    Ok(wrapped(SIGNED, &tlv(0x30, &data)))
}

/// Reads what stands in a wrapping of that kind, in DER or else in BER.
fn read<T: for<'a> der::Decode<'a>>(kind: Oid, bytes: &[u8]) -> Result<T, CmsFault> {
    let once = |bytes: &[u8]| -> Option<T> {
        let info = ContentInfo::from_der(bytes).ok().filter(|info| info.content_type == kind)?;
        T::from_der(&info.content.to_der().ok()?).ok()
    };
    once(bytes).or_else(|| once(&to_der(bytes)?)).ok_or(CmsFault::Form)
}

/// Judges a signature over bytes that lie beside it; gives its digest. Only a certificate that is expected can have signed:
/// those that come with the message vouch for nothing.
pub(super) fn verify<'a>(
    signature: &[u8],
    content: &[u8],
    accepted: impl Iterator<Item = &'a Certificate>,
    now: Timestamp,
) -> Result<Digest, CmsFault> {
    let data: SignedData = read(SIGNED, signature)?;
    let accepted: Vec<&Certificate> = accepted.collect();
    let known =
        data.signer_infos.0.iter().find_map(|signer| {
            Some((signer, *accepted.iter().find(|one| signed_by(signer, one))?))
        });
    let (signer, certificate) = known.ok_or(CmsFault::Signer)?;
    if !certificate.good(now) {
        return Err(CmsFault::Expired);
    }
    let digest = Digest::ALL.into_iter().find(|one| one.oid() == signer.digest_alg.oid);
    let digest = digest.ok_or(CmsFault::Algorithm)?;
    let how = signer.signature_algorithm.oid;
    if how != RSA && how != RSA_PSS && !RSA_SHA.contains(&how) {
        return Err(CmsFault::Algorithm);
    }
    let signed = match &signer.signed_attrs {
        None => content.to_vec(),
        Some(attributes) => {
            let found = attributes.iter().find(|one| one.oid == MESSAGE_DIGEST);
            let said = found
                .and_then(|one| one.values.get(0).filter(|_| one.values.len() == 1))
                .and_then(|value| value.decode_as::<OctetString>().ok())
                .ok_or(CmsFault::Signature)?;
            if said.as_bytes() != digest.of(content) {
                return Err(CmsFault::Signature);
            }
            attributes.to_der().map_err(|_| CmsFault::Form)?
        }
    };
    let public = &certificate.parsed().tbs_certificate.subject_public_key_info;
    UnparsedPublicKey::new(digest.verifying(how == RSA_PSS), public.subject_public_key.raw_bytes())
        .verify(&signed, signer.signature.as_bytes())
        .map_err(|_| CmsFault::Signature)?;
    Ok(digest)
}

fn signed_by(signer: &SignerInfo, certificate: &Certificate) -> bool {
    match &signer.sid {
        SignerIdentifier::IssuerAndSerialNumber(name) => {
            name.to_der().is_ok_and(|name| name == named(certificate))
        }
        SignerIdentifier::SubjectKeyIdentifier(id) => {
            certificate.key_id().is_some_and(|own| own == id.0.as_bytes())
        }
    }
}

/// Encrypts for a certificate: AES-256 in CBC mode, its key by RSA.
pub(super) fn encrypt(certificate: &Certificate, content: Vec<u8>) -> Result<Vec<u8>, CmsFault> {
    let bad = |_| CmsFault::Key;
    let key = Zeroizing::new(random::<32>());
    let public =
        PublicEncryptingKey::from_der(&certificate.public_key()).map_err(|_| CmsFault::Key)?;
    let public = Pkcs1PublicEncryptingKey::new(public).map_err(bad)?;
    let mut room = vec![0; public.ciphertext_size()];
    let locked: &[u8] = public.encrypt(key.as_ref(), &mut room).map_err(bad)?;
    let cipher = UnboundCipherKey::new(&AES_256, key.as_ref()).map_err(bad)?;
    let cipher = PaddedBlockEncryptingKey::cbc_pkcs7(cipher).map_err(bad)?;
    let mut text = content;
    let DecryptionContext::Iv128(iv) = cipher.encrypt(&mut text).map_err(bad)? else {
        return Err(CmsFault::Key);
    };
    let iv = tlv(0x04, &[iv.as_ref()]);
    let recipient: [&[u8]; 4] =
        [&[2, 1, 0], &named(certificate), &algorithm(RSA, NULL), &tlv(0x04, &[locked])];
    let inside: [&[u8]; 3] = [&oid(DATA), &algorithm(AES_256_CBC, &iv), &tlv(0x80, &[&text])];
    let data: [&[u8]; 3] = [&[2, 1, 0], &tlv(0x31, &[&tlv(0x30, &recipient)]), &tlv(0x30, &inside)];
    Ok(wrapped(ENVELOPED, &tlv(0x30, &data)))
}

/// Decrypts what is for one of our certificates. Whatever fails after the right recipient is found fails in the same way, so
/// that nobody can find out a key by asking.
pub(super) fn decrypt<'a>(
    bytes: &[u8],
    ours: impl Iterator<Item = &'a Identity>,
) -> Result<Vec<u8>, CmsFault> {
    let data: EnvelopedData = read(ENVELOPED, bytes)?;
    let ours: Vec<&Identity> = ours.collect();
    let found = data.recip_infos.0.iter().find_map(|info| {
        let RecipientInfo::Ktri(info) = info else { return None };
        let RecipientIdentifier::IssuerAndSerialNumber(name) = &info.rid else { return None };
        let name = name.to_der().ok()?;
        Some((info, *ours.iter().find(|one| named(one.certificate()) == name)?))
    });
    let (info, identity) = found.ok_or(CmsFault::Recipient)?;
    let how = &data.encrypted_content.content_enc_alg;
    let (cipher, length) = match how.oid {
        AES_128_CBC => (&AES_128, 16),
        AES_192_CBC => (&AES_192, 24),
        AES_256_CBC => (&AES_256, 32),
        _ => return Err(CmsFault::Algorithm),
    };
    if info.key_enc_alg.oid != RSA {
        return Err(CmsFault::Algorithm);
    }
    let iv = how.parameters.as_ref().and_then(|any| any.decode_as::<OctetString>().ok());
    let iv = iv.and_then(|iv| <[u8; 16]>::try_from(iv.as_bytes()).ok()).ok_or(CmsFault::Form)?;
    let text = data.encrypted_content.encrypted_content.ok_or(CmsFault::Form)?;
    let opener = identity.opener().map_err(|_| CmsFault::Key)?;
    let opener = Pkcs1PrivateDecryptingKey::new(opener).map_err(|_| CmsFault::Key)?;
    let mut room = Zeroizing::new(vec![0; opener.min_output_size()]);
    let mut key = Zeroizing::new(random::<32>());
    if let Ok(opened) = opener.decrypt(info.enc_key.as_bytes(), &mut room)
        && opened.len() == length
    {
        key[..length].copy_from_slice(opened);
    }
    let cipher = UnboundCipherKey::new(cipher, &key[..length]).map_err(|_| CmsFault::Decrypt)?;
    let cipher = PaddedBlockDecryptingKey::cbc_pkcs7(cipher).map_err(|_| CmsFault::Decrypt)?;
    let mut text = text.into_bytes();
    let context = DecryptionContext::Iv128(iv.into());
    let length = cipher.decrypt(&mut text, context).map_err(|_| CmsFault::Decrypt)?.len();
    text.truncate(length);
    Ok(text)
}

/// Compresses.
pub(super) fn compress(content: &[u8]) -> Vec<u8> {
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    let packed = zlib.write_all(content).and_then(|()| zlib.finish());
    let packed = packed.expect("writing to memory does not fail");
    let inside = tlv(0x30, &[&oid(DATA), &tlv(0xa0, &[&tlv(0x04, &[&packed])])]);
    wrapped(COMPRESSED, &tlv(0x30, &[&[2, 1, 0], &algorithm(ZLIB, &[]), &inside]))
}

/// Unpacks, but not beyond a limit.
pub(super) fn decompress(bytes: &[u8], limit: usize) -> Result<Vec<u8>, CmsFault> {
    let data: CompressedData = read(COMPRESSED, bytes)?;
    if data.compression_alg.oid != ZLIB {
        return Err(CmsFault::Algorithm);
    }
    let packed = data.encap_content_info.econtent.ok_or(CmsFault::Form)?;
    let packed: OctetString = packed.decode_as().map_err(|_| CmsFault::Form)?;
    let mut out = Vec::new();
    let zlib = flate2::read::ZlibDecoder::new(packed.as_bytes());
    zlib.take(limit as u64 + 1).read_to_end(&mut out).map_err(|_| CmsFault::Form)?;
    if out.len() > limit { Err(CmsFault::Large(limit)) } else { Ok(out) }
}
