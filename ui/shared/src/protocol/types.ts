/** The structs of protocol §2, §5 and §6 that a browser signs or checks. */
import { struct } from "./eip712.ts";

export const REGISTER_INSTITUTION = struct(
  "RegisterInstitution(bytes32 institution,string name,string country,bytes32 masterX,bytes32 masterY,bytes32 wrapX,bytes32 wrapY,bytes32 agreementX,bytes32 agreementY,uint64 deadline)",
);
export const ROTATE_AGREEMENT = struct(
  "RotateAgreement(bytes32 institution,uint32 epoch,bytes32 agreementX,bytes32 agreementY,uint64 nonce,uint64 deadline)",
);
export const SET_MASTERS = struct(
  "SetMasters(bytes32 institution,bytes keys,uint8 threshold,uint64 nonce,uint64 deadline)",
);
export const APPROVE_DEVICE = struct(
  "ApproveDevice(bytes32 institution,bytes32 deviceX,bytes32 deviceY,uint8 rights,uint64 notAfter,bytes32 certificate,uint32 masters,uint32 nonce,uint64 deadline)",
);
export const GRANT = struct("Grant(bytes32 commitment,uint64 deadline)");
export const REVOKE = struct("Revoke(bytes32 commitment,uint64 deadline)");
export const GRANT_DOCUMENT = struct(
  "GrantDocument(bytes32 patient,bytes32 institution,uint32 read,uint32 write,uint8 purpose,uint64 notBefore,uint64 expiry,bytes32 salt,bytes32 keyX,bytes32 keyY,uint256 chainId,address wardkey)",
);
export const SECTION_KEYS = struct("SectionKeys(bytes32 patient,uint32 version,bytes keys)");
export const DELEGATION = struct(
  "Delegation(bytes32 principal,uint8 kind,bytes32 sessionX,bytes32 sessionY,bytes32 audience,uint64 notBefore,uint64 expiry)",
);
export const DEVICE_CERTIFICATE = struct(
  "DeviceCertificate(bytes32 institution,string holder,string role,string card,string firmware,bytes32 deviceX,bytes32 deviceY,bytes32 signatureX,bytes32 signatureY,bytes32 agreementX,bytes32 agreementY,bytes32 evidence)",
);
export const RECORD_HEADER = struct(
  "RecordHeader(bytes32 record,bytes32 patient,uint8 section,uint32 epoch,uint32 version,bytes32 institution,bytes32 device,uint64 time,string kind)",
);
export const RECORD = struct("Record(bytes32 header,bytes32 body)");
export const RECEIPT = struct("Receipt(uint64 index,bytes32 leaf,uint64 time)");
export const LOG_EVENT = struct(
  "LogEvent(uint64 sequence,bytes32 previous,uint8 action,bytes32 patient,bytes32 institution,bytes32 device,uint8 section,string reason,bytes32 subject,uint64 time,bytes32 salt)",
);
