// HEVC: VPS, SPS and PPS out of the picture parameters.
//
// The sets of reference pictures stand in the SPS, which the driver is not
// given. So each slice header gets its set in full, and the SPS holds none.
// The bits behind must keep their place within the byte: they are moved by
// whole bytes, with the PPS that has as many spare header bits as that takes
// (eight PPS, with the numbers 7 to 14 which are all 7 bits long).
#include "decoder.h"
#include <algorithm>

enum { FIRST_PPS = 7 };

static int bits_for(uint32_t count) // of u(v) that names one of `count` things
{
    int n = 0;
    while ((1u << n) < count)
        n++;
    return n;
}

static void profile(BitWriter *w, const CUVIDHEVCPICPARAMS &h)
{
    int idc = h.bit_depth_luma_minus8 > 2 || h.bit_depth_chroma_minus8 > 2 ? 4 : h.bit_depth_luma_minus8 ? 2 : 1;
    w->u(3, 0);
    w->u(5, idc);
    w->u(32, 0x80000000u >> idc);
    w->u(4, 9); // progressive, frames only
    w->u(32, 0);
    w->u(12, 0);
    w->u(8, 186);
}

static Bytes vps(const CUVIDHEVCPICPARAMS &h)
{
    BitWriter w;
    w.u(16, 32 << 9 | 1);
    w.u(4, 0);
    w.u(2, 3);
    w.u(6, 0);
    w.u(3, 0);
    w.u(1, 1);
    w.u(16, 0xffff);
    profile(&w, h);
    w.u(1, 1);
    w.ue(15);
    w.ue(15);
    w.ue(0);
    w.u(6, 0);
    w.ue(0);
    w.u(1, 0);
    w.u(1, 0);
    w.stop();
    return w.data;
}

static void scaling_list(BitWriter *w, const uint8_t *list, int n, int dc)
{
    w->u(1, 1);
    int last = 8;
    if (dc) {
        w->se(dc - 8);
        last = dc;
    }
    for (int i = 0; i < n; i++) {
        w->se((int8_t)(list[i] - last));
        last = list[i];
    }
}

static Bytes sps(const CUVIDHEVCPICPARAMS &h)
{
    BitWriter w;
    w.u(16, 33 << 9 | 1);
    w.u(4, 0);
    w.u(3, 0);
    w.u(1, 1);
    profile(&w, h);
    w.ue(0);
    w.ue(1);
    w.ue(h.pic_width_in_luma_samples);
    w.ue(h.pic_height_in_luma_samples);
    w.u(1, 0);
    w.ue(h.bit_depth_luma_minus8);
    w.ue(h.bit_depth_chroma_minus8);
    w.ue(h.log2_max_pic_order_cnt_lsb_minus4);
    w.u(1, 1);
    w.ue(15);
    w.ue(15);
    w.ue(0);
    w.ue(h.log2_min_luma_coding_block_size_minus3);
    w.ue(h.log2_diff_max_min_luma_coding_block_size);
    w.ue(h.log2_min_transform_block_size_minus2);
    w.ue(h.log2_diff_max_min_transform_block_size);
    w.ue(h.max_transform_hierarchy_depth_inter);
    w.ue(h.max_transform_hierarchy_depth_intra);
    w.u(1, h.scaling_list_enable_flag);
    if (h.scaling_list_enable_flag) {
        w.u(1, 1);
        for (int i = 0; i < 6; i++)
            scaling_list(&w, h.ScalingList4x4[i], 16, 0);
        for (int i = 0; i < 6; i++)
            scaling_list(&w, h.ScalingList8x8[i], 64, 0);
        for (int i = 0; i < 6; i++)
            scaling_list(&w, h.ScalingList16x16[i], 64, h.ScalingListDCCoeff16x16[i]);
        for (int i = 0; i < 2; i++)
            scaling_list(&w, h.ScalingList32x32[i], 64, h.ScalingListDCCoeff32x32[i]);
    }
    w.u(1, h.amp_enabled_flag);
    w.u(1, h.sample_adaptive_offset_enabled_flag);
    w.u(1, h.pcm_enabled_flag);
    if (h.pcm_enabled_flag) {
        w.u(4, h.pcm_sample_bit_depth_luma_minus1);
        w.u(4, h.pcm_sample_bit_depth_chroma_minus1);
        w.ue(h.log2_min_pcm_luma_coding_block_size_minus3);
        w.ue(h.log2_diff_max_min_pcm_luma_coding_block_size);
        w.u(1, h.pcm_loop_filter_disabled_flag);
    }
    w.ue(0); // the sets of reference pictures are in the slices
    w.u(1, h.long_term_ref_pics_present_flag);
    if (h.long_term_ref_pics_present_flag)
        w.ue(0);
    w.u(1, h.sps_temporal_mvp_enabled_flag);
    w.u(1, h.strong_intra_smoothing_enabled_flag);
    w.u(1, 0);
    w.u(1, 0);
    w.stop();
    return w.data;
}

static Bytes pps(const CUVIDHEVCPICPARAMS &h, int spare)
{
    BitWriter w;
    w.u(16, 34 << 9 | 1);
    w.ue(FIRST_PPS + spare);
    w.ue(0);
    w.u(1, h.dependent_slice_segments_enabled_flag);
    w.u(1, h.output_flag_present_flag);
    w.u(3, spare);
    w.u(1, h.sign_data_hiding_enabled_flag);
    w.u(1, h.cabac_init_present_flag);
    w.ue(h.num_ref_idx_l0_default_active_minus1);
    w.ue(h.num_ref_idx_l1_default_active_minus1);
    w.se(h.init_qp_minus26);
    w.u(1, h.constrained_intra_pred_flag);
    w.u(1, h.transform_skip_enabled_flag);
    w.u(1, h.cu_qp_delta_enabled_flag);
    if (h.cu_qp_delta_enabled_flag)
        w.ue(h.diff_cu_qp_delta_depth);
    w.se(h.pps_cb_qp_offset);
    w.se(h.pps_cr_qp_offset);
    w.u(1, h.pps_slice_chroma_qp_offsets_present_flag);
    w.u(1, h.weighted_pred_flag);
    w.u(1, h.weighted_bipred_flag);
    w.u(1, h.transquant_bypass_enabled_flag);
    w.u(1, h.tiles_enabled_flag);
    w.u(1, h.entropy_coding_sync_enabled_flag);
    if (h.tiles_enabled_flag) {
        w.ue(h.num_tile_columns_minus1);
        w.ue(h.num_tile_rows_minus1);
        w.u(1, h.uniform_spacing_flag);
        for (int i = 0; !h.uniform_spacing_flag && i < h.num_tile_columns_minus1; i++)
            w.ue(h.column_width_minus1[i]);
        for (int i = 0; !h.uniform_spacing_flag && i < h.num_tile_rows_minus1; i++)
            w.ue(h.row_height_minus1[i]);
        w.u(1, h.loop_filter_across_tiles_enabled_flag);
    }
    w.u(1, h.loop_filter_across_slices_enabled_flag);
    w.u(1, 1);
    w.u(1, h.deblocking_filter_override_enabled_flag);
    w.u(1, h.pps_deblocking_filter_disabled_flag);
    if (!h.pps_deblocking_filter_disabled_flag) {
        w.se(h.pps_beta_offset_div2);
        w.se(h.pps_tc_offset_div2);
    }
    w.u(1, 0);
    w.u(1, h.lists_modification_present_flag);
    w.ue(h.log2_parallel_merge_level_minus2);
    w.u(1, h.slice_segment_header_extension_present_flag);
    w.u(1, 0);
    w.stop();
    return w.data;
}

// The set of reference pictures of this picture: number and "used now".
static std::map<int, bool> references(const CUVIDHEVCPICPARAMS &h, const std::set<int> &alive)
{
    std::map<int, bool> set;
    // GStreamer 1.22 leaves old entries behind the last one: only pictures
    // that the one before kept, or that one itself, can be meant.
    for (int i = 0; i < 16; i++)
        if (h.RefPicIdx[i] >= 0 && !h.IsLongTerm[i] && alive.count(h.PicOrderCntVal[i]) && h.PicOrderCntVal[i] != h.CurrPicOrderCntVal)
            set[h.PicOrderCntVal[i]] = false;
    for (int i = 0; i < h.NumPocStCurrBefore && i < 8; i++)
        if (h.RefPicSetStCurrBefore[i] < 16)
            set[h.PicOrderCntVal[h.RefPicSetStCurrBefore[i]]] = true;
    for (int i = 0; i < h.NumPocStCurrAfter && i < 8; i++)
        if (h.RefPicSetStCurrAfter[i] < 16)
            set[h.PicOrderCntVal[h.RefPicSetStCurrAfter[i]]] = true;
    return set;
}

static void write_references(BitWriter *w, int now, const std::map<int, bool> &set)
{
    std::vector<std::pair<int, bool>> before, after;
    for (auto &one : set)
        (one.first < now ? before : after).push_back(one);
    std::reverse(before.begin(), before.end()); // the nearest one first
    w->ue((uint32_t)before.size());
    w->ue((uint32_t)after.size());
    for (auto *list : { &before, &after }) {
        int last = now;
        for (auto &one : *list) {
            w->ue(abs(one.first - last) - 1);
            w->u(1, one.second);
            last = one.first;
        }
    }
}

static bool rewrite_slice(const CUVIDHEVCPICPARAMS &h, const uint8_t *nal, size_t size, const std::map<int, bool> &set, Bytes *out)
{
    Bytes old = unescape(nal, size);
    if (old.size() < 4)
        return false;
    BitReader r(old);
    BitWriter w;
    auto copy = [&](int n) { w.u(n, r.u(n)); };
    copy(16);
    int type = old[0] >> 1 & 63;
    bool irap = type >= 16 && type <= 23, idr = type == 19 || type == 20;
    bool first = r.u(1);
    w.u(1, first);
    if (irap)
        copy(1);
    r.ue();
    size_t id_at = w.length;
    w.u(7, 0); // the PPS number, once it is known
    if (!first) {
        if (h.dependent_slice_segments_enabled_flag && r.u(1))
            return false; // such a header has no room to make good
        if (h.dependent_slice_segments_enabled_flag)
            w.u(1, 0);
        int ctb = 1 << (h.log2_min_luma_coding_block_size_minus3 + 3 + h.log2_diff_max_min_luma_coding_block_size);
        uint32_t across = (h.pic_width_in_luma_samples + ctb - 1) / ctb, down = (h.pic_height_in_luma_samples + ctb - 1) / ctb;
        copy(bits_for(across * down));
    }
    r.u(h.num_extra_slice_header_bits);
    BitWriter rest;
    rest.ue(r.ue()); // slice type
    auto keep = [&](int n) { rest.u(n, r.u(n)); };
    if (h.output_flag_present_flag)
        keep(1);
    if (h.separate_colour_plane_flag)
        keep(2);
    if (!idr) {
        keep(h.log2_max_pic_order_cnt_lsb_minus4 + 4);
        if (!r.u(1))
            r.position += h.NumBitsForShortTermRPSInSlice;
        else if (h.num_short_term_ref_pic_sets > 1)
            r.u(bits_for(h.num_short_term_ref_pic_sets));
        rest.u(1, 0);
        write_references(&rest, h.CurrPicOrderCntVal, set);
    }
    int spare = (int)((r.position + 8 * 1024 - w.length - rest.length) % 8);
    BitReader in(rest.data);
    w.u(spare, 0);
    for (size_t i = 0; i < rest.length; i++)
        w.u(1, in.u(1));
    BitWriter id;
    id.ue(FIRST_PPS + spare);
    for (int i = 0; i < 7; i++)
        if (id.data[0] >> (7 - i) & 1)
            w.data[(id_at + i) / 8] |= 0x80 >> ((id_at + i) % 8);
    while (r.position % 8 && r.position < old.size() * 8)
        w.u(1, r.u(1));
    w.data.insert(w.data.end(), old.begin() + std::min(old.size(), r.position / 8), old.end());
    append_nal(out, w.data);
    return true;
}

bool hevc_unit(const CUVIDPICPARAMS *p, History *history, Bytes *out)
{
    const CUVIDHEVCPICPARAMS &h = p->CodecSpecific.hevc;
    if (h.num_long_term_ref_pics_sps || h.sps_range_extension_flag || h.pps_range_extension_flag)
        return false;
    Bytes sets;
    append_nal(&sets, vps(h));
    append_nal(&sets, sps(h));
    for (int spare = 0; spare < 8; spare++)
        append_nal(&sets, pps(h, spare));
    if (sets != history->sent) {
        *out = sets;
        history->sent = sets;
    }
    if (h.IdrPicFlag)
        history->alive.clear();
    std::map<int, bool> set = references(h, history->alive);
    for (unsigned int i = 0; i < p->nNumSlices; i++) {
        size_t from = p->pSliceDataOffsets[i] + 3, to = i + 1 < p->nNumSlices ? p->pSliceDataOffsets[i + 1] : p->nBitstreamDataLen;
        if (from >= to || !rewrite_slice(h, p->pBitstreamData + from, to - from, set, out))
            return false;
    }
    history->alive.clear();
    for (auto &one : set)
        history->alive.insert(one.first);
    history->alive.insert(h.CurrPicOrderCntVal);
    return true;
}
