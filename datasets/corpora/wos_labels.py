"""Labels of Web of Science (WOS-46985) by their codes: 7 domains and 134 areas."""

from datasets.storage.hierarchy import Hierarchy

# Areas by domain code Y1 and area code Y2 (position); an empty name is an unused code.
# Of several names for a code, this is the one that label repair keeps.
AREAS: dict[str, tuple[str, ...]] = {
    domain: tuple(area.strip() for area in areas.split("|"))
    for domain, areas in {
        "CS": """Computer vision | Machine learning | network security | Cryptography | Operating systems
            | Computer graphics | Image processing | Parallel computing | Relational databases | Software engineering
            | Distributed computing | Structured Storage | Symbolic computation | Algorithm design
            | Computer programming | Data structures | Bioinformatics""",
        "ECE": """Electricity | Lorentz force law | Electrical circuits | Voltage law | Digital control
            | System identification | Electrical network | Microcontroller | | Analog signal processing
            | Electric motor | Control engineering | Signal-flow graph | State space representation
            | PID controller | Operational amplifier""",
        "Psychology": """Prejudice | Social cognition | Person perception | Nonverbal communication
            | Prosocial behavior | Leadership | Eating disorders | Depression | Borderline personality disorder
            | Seasonal affective disorder | Schizophrenia | Antisocial personality disorder | Media violence
            | Prenatal development | Child abuse | Gender roles | False memories | Attention | Problem-solving""",
        "MAE": """computer-aided design | Hydraulics | Manufacturing engineering | Machine design | Fluid mechanics
            | Internal combustion engine | Thermodynamics | Materials Engineering | Strength of materials""",
        "Civil": """Ambient Intelligence | Geotextile | Remote Sensing | Rainwater Harvesting | Water Pollution
            | Suspension Bridge | Stealth Technology | Green Building | Solar Energy | Construction Management
            | Smart Material""",
        "Medical": """Addiction | Allergies | Alzheimer's Disease | Ankylosing Spondylitis | Anxiety | Asthma
            | Atopic Dermatitis | Atrial Fibrillation | Autism | Skin Care | Bipolar Disorder | Birth Control
            | Children's Health | Crohn's Disease | Dementia | Diabetes | Weight Loss | Digestive Health
            | Emergency Contraception | Mental Health | Fungal Infection | Headache | Healthy Sleep | Heart Disease
            | Hepatitis C | Hereditary Angioedema | HIV/AIDS | Hypothyroidism | Idiopathic Pulmonary Fibrosis
            | Irritable Bowel Syndrome | Kidney Health | Low Testosterone | Lymphoma | Medicare | Menopause | Migraine
            | Multiple Sclerosis | Myelofibrosis | Cancer | Osteoarthritis | Osteoporosis | Overactive Bladder
            | Parenting | Parkinson's Disease | Polycythemia Vera | Psoriasis | Psoriatic Arthritis
            | Rheumatoid Arthritis | Senior Health | Smoking Cessation | Sports Injuries | Sprains and Strains
            | Stress Management""",
        "biochemistry": """Molecular biology | Cell biology | Human Metabolism | Immunology | Genetics | Enzymology
            | Polymerase chain reaction | Northern blotting | Southern blotting""",
    }.items()
}

# Domain and area by both codes, as strings, without unused codes.
CODES = {
    (str(y1), str(y2)): (domain, area)
    for y1, (domain, areas) in enumerate(AREAS.items())
    for y2, area in enumerate(areas)
    if area
}

# Second area of code (1, 9), which a few rows keep after label repair.
EXTRA_AREAS = {"ECE": ("Electrical generator",)}


def wos_hierarchy() -> Hierarchy:
    """Returns the tree of 7 domains and 134 areas."""
    edges = [("Root", domain) for domain in AREAS]
    edges += [
        (domain, area) for domain, areas in AREAS.items() for area in (*areas, *EXTRA_AREAS.get(domain, ())) if area
    ]
    return Hierarchy.from_names(edges)
