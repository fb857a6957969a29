// The bridge to the workstation. The only file that imports the Tauri API.
import { invoke } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";
import type { Commands, Events } from "./commands";
import type { Progress, Topic } from "./model";
import { asNotice } from "./notice";

async function ask<T>(command: string, args?: Record<string, unknown>): Promise<T> {
  try {
    return await invoke<T>(command, args);
  } catch (cause) {
    throw asNotice(cause);
  }
}

export const commands: Commands = {
  snapshot: () => ask("snapshot"),
  signIn: () => ask("sign_in"),
  lock: () => ask("lock"),
  patients: () => ask("patients"),
  openChart: (commitment, reason) => ask("open_chart", { commitment, reason }),
  chart: () => ask("chart"),
  closeChart: () => ask("close_chart"),
  draft: (commitment) => ask("draft", { commitment }),
  saveDraft: (commitment, draft) => ask("save_draft", { commitment, draft }),
  writeNote: (commitment, text) => ask("write_note", { commitment, text }),
  writePrescription: (commitment, prescription) => ask("write_prescription", { commitment, prescription }),
  importPreview: (commitment, bytesBase64) => ask("import_preview", { commitment, bytesBase64 }),
  importConfirm: (commitment) => ask("import_confirm", { commitment }),
  outbox: () => ask("outbox"),
  retry: () => ask("retry"),
  writeAgain: (record) => ask("write_again", { record }),
  itCard: () => ask("it_card"),
  foundItCard: () => ask("found_it_card"),
  unlockItCard: () => ask("unlock_it_card"),
  addItCard: () => ask("add_it_card"),
  forgetItCard: () => ask("forget_it_card"),
  unblockCard: () => ask("unblock_card"),
  cardStatus: () => ask("card_status"),
  prepareCard: (holder, role) => ask("prepare_card", { holder, role }),
  requestDevice: () => ask("request_device"),
  askUnblock: () => ask("ask_unblock"),
  cancelUnblock: () => ask("cancel_unblock"),
  findUnblock: (words) => ask("find_unblock", { words }),
  answerUnblock: (request) => ask("answer_unblock", { request }),
  requestRenewal: () => ask("request_renewal"),
  masterSignIn: () => ask("master_sign_in"),
  prepareMaster: () => ask("prepare_master"),
  registerInstitution: (name, country) => ask("register_institution", { name, country }),
  requests: () => ask("requests"),
  approve: (request, rights, notAfter) => ask("approve", { request, rights, notAfter }),
  refuse: (request, reason) => ask("refuse", { request, reason }),
  devices: () => ask("devices"),
  revokeDevice: (device, reason) => ask("revoke_device", { device, reason }),
  deviceUses: (device, since) => ask("device_uses", { device, since }),
  setSuspension: (device, suspended) => ask("set_suspension", { device, suspended }),
  keyState: () => ask("key_state"),
  moveKey: () => ask("move_key"),
  giveKey: () => ask("give_key"),
  masters: () => ask("masters"),
  offerMaster: (replaces, threshold) => ask("offer_master", { replaces, threshold }),
  acceptMaster: () => ask("accept_master"),
  changeMasters: (remove, threshold) => ask("change_masters", { remove, threshold }),
  proposals: () => ask("proposals"),
  cosign: (proposal) => ask("cosign", { proposal }),
  withdraw: (proposal, reason) => ask("withdraw", { proposal, reason }),
  poster: () => ask("poster"),
  savePoster: () => ask("save_poster"),
};

export const events: Events = {
  async onChanged(heard) {
    await listen<{ topics: Topic[] }>("changed", (event) => heard(event.payload.topics));
  },
  async onProgress(heard) {
    await listen<Progress>("progress", (event) => heard(event.payload));
  },
};
