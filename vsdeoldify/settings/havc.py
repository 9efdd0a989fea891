"""The words of HAVC, the original's successor, and the parameters of its functions.

They are those of its version 5.6.7, the last one of the package name `vsdeoldify`.
"""

from __future__ import annotations

from typing import Any

from .params import AdaptiveLumaParams, LumaMaskedParams, StabParams

RENDER_FACTORS = {
    "placebo": 32,
    "veryslow": 32,
    "slower": 32,
    "slow": 28,
    "medium": 24,
    "fast": 22,
    "faster": 20,
    "veryfast": 16,
}
"""Of both networks, by `Preset`."""
UNFILTERED = ("fast", "faster", "veryfast")
"""The presets that only map colours."""
FADING = ("placebo", "veryslow")
"""The presets whose stabilizer fades the hues of `ColorFix`, too."""
WEIGHTS = {
    "verystable": 0.2,
    "morestable": 0.3,
    "stable": 0.4,
    "balanced": 0.5,
    "vivid": 0.6,
    "morevivid": 0.7,
    "veryvivid": 0.8,
    "deoldify": 0.0,
    "ddcolor": 1.0,
}
"""DDColor's share, by `VideoTune`."""
COMBINATIONS = {
    "simple": 2,
    "constrained-chroma": 3,
    "luma-masked": 4,
    "adaptive-luma": 5,
    "chroma-retention": 6,
    "chromaboundadaptive": 7,
}
"""The number of the method, by `CombMethod`."""
FIXED_HUES = {
    "none": "none",
    "magenta": "270:300",
    "magenta/violet": "250:360",
    "violet": "300:330",
    "violet/red": "300:360",
    "blue/magenta": "220:280",
    "yellow": "60:90",
    "yellow/orange": "30:90",
    "yellow/green": "60:120",
    "retinex/red": "300:360",
}
"""The hues whose colours fade, by `ColorFix`."""
FADED: dict[str, dict[str, str]] = {
    "none": {},
    "light": {"modelscope": "0.7,0.1", "artistic": "0.8,0.1", "stab": "0.9,0"},
    "medium": {"modelscope": "0.5,0.1", "artistic": "0.5,0.1", "stab": "0.7,0"},
    "strong": {"modelscope": "0.2,0.1", "artistic": "0.2,0.1", "stab": "0.5,0"},
}
"""What is kept of them in DDColor's two models and by the stabilizer, by `ColorTune`."""
STEADINESS = ("none", "veryhigh", "high", "medium", "low", "verylow")
"""`ColorTemp`: the words but the first average the colours over time."""
DEOLDIFY_MODELS = ("video", "stable", "artistic")
DDCOLOR_MODELS = ("modelscope", "artistic")
ZHANG_MODELS = ("siggraph17", "eccv16")
TWEAK = (0.0, 1.0, 2.5, True, 0.3, 0.6, 1.5, 0.5)
"""The first eight values of `ddtweak_p`."""
STAB = (5, "A", 1, 15, 0.2, StabParams().tht_scen)
"""`stab_p`; HAVC has a share of gray pixels in the last place."""
SMOOTH = (0.3, 0.7, 0.9, 0.0, "none")
DARK = (0.2, 0.8)

_SCENES: dict[str, Any] = {
    "sc_threshold": 0.0,
    "sc_tht_offset": 1,
    "sc_min_freq": 0,
    "sc_tht_ssim": 0.0,
    "sc_normalize": False,
    "sc_min_int": 1,
    "sc_tht_white": 0.70,
    "sc_tht_black": 0.10,
}
_NETWORKS: dict[str, Any] = {
    "clip": None,
    "method": 2,
    "mweight": 0.4,
    "deoldify_p": (0, 24, 1.0, 0.0),
    "ddcolor_p": (1, 24, 1.0, 0.0, True),
    "ddtweak": False,
    "ddtweak_p": (*TWEAK, "300:360|0.8,0.1"),
}
MERGING: dict[str, Any] = {
    "cmc_p": (0.15,),
    "lmm_p": (0.15, 0.65, 1.0),
    "alm_p": tuple(AdaptiveLumaParams()),
    "crt_p": (),
}
_REFERRING: dict[str, Any] = {
    "ref_weight": None,
    "ref_thresh": None,
    "ref_freq": None,
    "ex_model": 0,
    "encode_mode": 0,
    "max_memory_frames": 0,
}
_LAST: dict[str, Any] = {"device_index": 0, "torch_dir": None, "debug_level": 0, "sc_debug": False}
_MAIN: dict[str, Any] = {
    "clip": None,
    "Preset": "Medium",
    "FrameInterp": 0,
    "ColorModel": "Video+Artistic",
    "CombMethod": "Simple",
    "VideoTune": "Stable",
    "ColorFix": "Magenta/Violet",
    "ColorTune": "Light",
    "ColorMap": "None",
    "ColorTemp": "None",
    "BlackWhiteTune": "None",
    "BlackWhiteMode": 0,
    "BlackWhiteBlend": True,
    "EnableDeepEx": False,
    "DeepExMethod": 0,
    "DeepExPreset": "Medium",
    "DeepExRefMerge": 0,
    "DeepExOnlyRefFrames": False,
    "ScFrameDir": None,
    "ScThreshold": 0.1,
    "ScThtOffset": 1,
    "ScMinFreq": 0,
    "ScMinInt": 1,
    "ScThtSSIM": 0.0,
    "ScNormalize": False,
    "DeepExModel": 0,
    "DeepExVivid": True,
    "DeepExEncMode": 0,
    "DeepExMaxMemFrames": 0,
    "RefRange": (0, 0),
    "enable_fp16": True,
    "debug_level": 0,
    "sc_debug": False,
    "degrain_strength": 0,
    "DeepExBackbone": None,
    # HAVC has these two in its other functions only.
    "device_index": 0,
    "torch_dir": None,
}

PARAMETERS: dict[str, dict[str, Any]] = {
    "HAVC_main": _MAIN,
    "ddeoldify_main": {
        "clip": None,
        "Preset": "Fast",
        "VideoTune": "Stable",
        "ColorFix": "Violet/Red",
        "ColorTune": "Light",
        "ColorMap": "None",
        "degrain_strength": 0,
        "enable_fp16": True,
        "device_index": 0,
        "torch_dir": None,
    },
    "HAVC_ddeoldify": {
        **_NETWORKS,
        "cmc_tresh": 0.2,
        "lmm_p": tuple(LumaMaskedParams()),
        "alm_p": tuple(AdaptiveLumaParams()),
        "cmb_sw": False,
        **_SCENES,
        **_LAST,
    },
    # Version 5.0 has cmc_tresh in the place of cmc_p.
    "HAVC_colorizer": {**_NETWORKS, **MERGING, "cmb_sw": False, **_SCENES, **_LAST, "cmc_tresh": None},
    "HAVC_colorizer_fast": {**_NETWORKS, "frame_interp": 5, "chroma_adjust": "none", **_LAST},
    "HAVC_stabilizer": {
        "clip": None,
        "dark": False,
        "dark_p": DARK,
        "smooth": False,
        "smooth_p": SMOOTH,
        "stab": False,
        "stab_p": STAB,
        "colormap": "none",
        "render_factor": 24,
    },
    "HAVC_merge": {
        "clipa": None,
        "clipb": None,
        "clip_luma": None,
        "weight": 0.5,
        "method": 2,
        **MERGING,
    },
    "HAVC_deepex": {
        "clip": None,
        "clip_ref": None,
        "method": 0,
        "render_speed": "medium",
        "render_vivid": True,
        "ref_merge": 0,
        "sc_framedir": None,
        "ref_norm": False,
        "only_ref_frames": False,
        "dark": False,
        "dark_p": DARK,
        "smooth": False,
        "smooth_p": SMOOTH,
        "colormap": "none",
        **_REFERRING,
        "torch_dir": None,
    },
    "HAVC_restore_video": {
        "clip": None,
        "clip_ref": None,
        "method": 6,
        "render_speed": "medium",
        "ex_model": 0,
        "ref_merge": 0,
        "ref_weight": None,
        "ref_thresh": None,
        "ref_freq": None,
        "ref_norm": False,
        "max_memory_frames": 0,
        "render_vivid": True,
        "encode_mode": 0,
        "encode_first": True,
        "torch_dir": None,
    },
    "HAVC_DeepRemaster": {
        "clip": None,
        "length": 2,
        "render_vivid": False,
        "ref_dir": None,
        "ref_minedge": 256,
        "frame_mindim": 320,
        "ref_buffer_size": 20,
        "device_index": 0,
        "inference_mode": False,
        "mode": 0,
    },
    "HAVC_SceneDetect": {"clip": None, **_SCENES, "sc_threshold": 0.10, "sc_debug": False},
    "HAVC_SceneDetectEdges": {"clip": None, **_SCENES, "sc_mult_tht": 15, "sc_debug": False},
    "HAVC_set_debug_level": {"debug_level": 0},
    "disable_warnings": {},
}
"""The functions that are here, and their parameters in HAVC's order with its defaults."""
WITHOUT_EFFECT = frozenset(
    {"BlackWhiteTune", "BlackWhiteMode", "BlackWhiteBlend", "degrain_strength", "RefRange", "sc_mult_tht"}
    | {name for name in _MAIN if name.startswith(("DeepEx", "Sc"))}
    | {"render_speed", "render_vivid", "ref_merge", "ref_norm", "encode_first", *_REFERRING}
    | {"length", "ref_minedge", "frame_mindim", "ref_buffer_size", "inference_mode", "mode"}
    | (_SCENES.keys() - {"sc_threshold"})
)
"""Parameters that have no effect here, which the log says where they ask for something."""

NO_ZHANG = "Zhang's networks (siggraph17, eccv16) are not here; take DDColor's artistic or modelscope"
NO_CHOICE = (
    "reference frames are not chosen and carried on here: colour every frame, without sc_threshold and "
    "sc_min_freq, or carry pictures of your own on with ddeoldify_references(clip, folder)"
)
NO_PICTURES = "reference frames are written as pictures by the command: vsdeoldify references FILM"
NO_FOLDER = "must be the folder of the reference pictures"
IN_STEP = (
    "is not here; where the colour clip shows the same frame by frame, write "
    "ddeoldify_references(clip, colour_clip)"
)
_LUMA = "it changes the luma, and here the film's own stays; use another filter before the call"
INSTEAD: dict[str, str] = {
    "dd_video_stabilizer": "use ddeoldify_stabilizer(clip, dark=True, smooth=True, stab=True)",
    "HAVC_cmnet1": NO_CHOICE,
    "HAVC_cmnet2": NO_CHOICE,
    "HAVC_cmnet2dit": NO_CHOICE,
    "HAVC_main_restore": "use ddeoldify_references(clip, clip_colored)",
    "HAVC_extract_reference_frames": NO_PICTURES,
    "HAVC_export_reference_frames": NO_PICTURES,
    "HAVC_export_list_frames": NO_PICTURES,
    "HAVC_bw_tune": _LUMA,
    "HAVC_auto_levels": _LUMA,
    "HAVC_ColorAdjust": _LUMA,
    "HAVC_retinex": _LUMA,
    "HAVC_TimeCube": _LUMA,
    "HAVC_adjust_rgb": _LUMA,
    "HAVC_rgb_denoise": _LUMA,
    "HAVC_tweak": "saturation and hue stand in deoldify_p and ddcolor_p; for the luma use std.Levels",
    "HAVC_recover_clip_color": "use HAVC_merge, which mixes the colours of two clips",
    "HAVC_clip_slice": "a picture is coloured as a whole; for parts of it use std.Crop",
    "HAVC_clip_reconstruct": "a picture is coloured as a whole; for parts of it use std.StackVertical",
    "HAVC_clip_overlay": "use std.MaskedMerge",
    "HAVC_read_video": 'use a source filter, such as core.bs.VideoSource("film.mkv"), without conversion',
    "HAVC_set_tweak_params": "write ddtweak_p in the call itself",
    "HAVC_set_merge_params": "write cmc_p, lmm_p or alm_p in the call itself",
}
"""What to write in place of functions that are not here."""
