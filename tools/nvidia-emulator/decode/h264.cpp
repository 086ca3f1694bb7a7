// H.264: SPS and PPS out of the picture parameters, in front of the slices.
#include "decoder.h"

static const uint8_t ZIGZAG4[16] = { 0, 1, 4, 8, 5, 2, 3, 6, 9, 12, 13, 10, 7, 11, 14, 15 };
static const uint8_t ZIGZAG8[64] = { 0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13,
    6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63 };

static void scaling_list(BitWriter *w, const uint8_t *raster, const uint8_t *order, int n)
{
    w->u(1, 1);
    int last = 8;
    for (int i = 0; i < n; i++) {
        int value = raster[order[i]];
        w->se((int8_t)(value - last));
        last = value;
    }
}

static Bytes sps(const CUVIDPICPARAMS *p, bool mbaff)
{
    const CUVIDH264PICPARAMS &h = p->CodecSpecific.h264;
    BitWriter w;
    w.u(8, 0x67);
    w.u(8, 100); // the high profile: its syntax has all the fields
    w.u(8, 0);
    w.u(8, 52);
    w.ue(0);
    w.ue(1);
    w.ue(h.bit_depth_luma_minus8);
    w.ue(h.bit_depth_chroma_minus8);
    w.u(1, h.qpprime_y_zero_transform_bypass_flag);
    w.u(1, 0); // the lists go into the PPS
    w.ue(h.log2_max_frame_num_minus4);
    w.ue(h.pic_order_cnt_type);
    if (h.pic_order_cnt_type == 0) {
        w.ue(h.log2_max_pic_order_cnt_lsb_minus4);
    } else if (h.pic_order_cnt_type == 1) {
        w.u(1, h.delta_pic_order_always_zero_flag);
        w.se(0);
        w.se(0);
        w.ue(0);
    }
    w.ue(h.num_ref_frames);
    w.u(1, 0);
    w.ue(p->PicWidthInMbs - 1);
    w.ue(p->FrameHeightInMbs / (h.frame_mbs_only_flag ? 1 : 2) - 1);
    w.u(1, h.frame_mbs_only_flag);
    if (!h.frame_mbs_only_flag)
        w.u(1, mbaff);
    w.u(1, h.direct_8x8_inference_flag);
    w.u(1, 0); // no cropping: the display area does that
    w.u(1, 0);
    w.stop();
    return w.data;
}

static Bytes pps(const CUVIDH264PICPARAMS &h, int id)
{
    BitWriter w;
    w.u(8, 0x68);
    w.ue(id);
    w.ue(0);
    w.u(1, h.entropy_coding_mode_flag);
    w.u(1, h.pic_order_present_flag);
    w.ue(0);
    w.ue(h.num_ref_idx_l0_active_minus1);
    w.ue(h.num_ref_idx_l1_active_minus1);
    w.u(1, h.weighted_pred_flag);
    w.u(2, h.weighted_bipred_idc);
    w.se(h.pic_init_qp_minus26);
    w.se(0);
    w.se(h.chroma_qp_index_offset);
    w.u(1, h.deblocking_filter_control_present_flag);
    w.u(1, h.constrained_intra_pred_flag);
    w.u(1, h.redundant_pic_cnt_present_flag);
    w.u(1, h.transform_8x8_mode_flag);
    bool flat = true;
    for (auto &list : h.WeightScale4x4)
        for (uint8_t v : list)
            flat = flat && v == 16;
    for (auto &list : h.WeightScale8x8)
        for (uint8_t v : list)
            flat = flat && v == 16;
    w.u(1, !flat);
    if (!flat) {
        for (auto &list : h.WeightScale4x4)
            scaling_list(&w, list, ZIGZAG4, 16);
        if (h.transform_8x8_mode_flag)
            for (auto &list : h.WeightScale8x8)
                scaling_list(&w, list, ZIGZAG8, 64);
    }
    w.se(h.second_chroma_qp_index_offset);
    w.stop();
    return w.data;
}

bool h264_unit(const CUVIDPICPARAMS *p, History *history, Bytes *out)
{
    const CUVIDH264PICPARAMS &h = p->CodecSpecific.h264;
    if (h.num_slice_groups_minus1 || !p->nNumSlices || p->nBitstreamDataLen < p->pSliceDataOffsets[0] + 8)
        return false;
    const uint8_t *slice = p->pBitstreamData + p->pSliceDataOffsets[0] + 3;
    size_t size = p->nBitstreamDataLen - p->pSliceDataOffsets[0] - 3;
    Bytes head = unescape(slice, size < 32 ? size : 32);
    BitReader r(head);
    r.u(8);
    r.ue(); // first macroblock
    r.ue(); // slice type
    int id = r.ue();
    // In a field picture the flag is not given; the sequence's own stays.
    if ((head[0] & 31) == 5 && !p->field_pic_flag)
        history->mbaff = false;
    history->mbaff = history->mbaff || h.MbaffFrameFlag;
    Bytes sets;
    append_nal(&sets, sps(p, history->mbaff));
    append_nal(&sets, pps(h, id));
    if (sets != history->sent) {
        *out = sets;
        history->sent = sets;
    }
    out->insert(out->end(), p->pBitstreamData, p->pBitstreamData + p->nBitstreamDataLen);
    return true;
}
