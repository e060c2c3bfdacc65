"""How places are shown: offline maps, reports and exports."""
