"""A real ArduPilot SITL as the practice vehicle: the same process as `python -m sim`, another autopilot in it.

`python -m sim.sitl` starts the binary, passes MAVLink between it and ground stations, and draws our camera's frames
where ArduPilot says that it took them. Nothing of ArduPilot's is contained here; its binary is the user's own.
"""
